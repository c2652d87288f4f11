//! Each client of a config server reads properties: what it makes of two profiles, lists and a shared file.

use serde_json::json;

use crate::{
    Repository,
    configuring::{CLIENTS, Configuring, plain},
    needs_clients,
};

#[tokio::test]
async fn of_two_profiles_the_last_wins() {
    if !needs_clients() {
        return;
    }
    for repository in [Repository::git(), Repository::folder()] {
        let mut all = Configuring::start(repository, &[]).await;
        for client in CLIENTS {
            for (profile, wins) in [("prod", "base"), ("dev", "dev"), ("db", "db"), ("dev,db", "db"), ("db,dev", "dev")]
            {
                let told = all.read(client, "shop", profile, "main").await;
                assert_eq!(plain(client, &told, "level"), wins, "{client} {profile}: {told:#}");
                assert_eq!(plain(client, &told, "greeting"), "shop", "{client} {profile}: {told:#}");
            }
            // An application that has no file has what is shared.
            let told = all.read(client, "nobody", "prod", "main").await;
            assert_eq!(plain(client, &told, "greeting"), "shared", "{client}: {told:#}");
        }
    }
}

#[tokio::test]
async fn config_client_rebuilds_objects_and_lists() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::git(), &[]).await;
    let told = all.read("config_client", "shop", "dev,db", "main").await;
    assert_eq!(told["server"]["port"], 8085, "{told:#}");
    assert_eq!(told["shared"], json!({"currency": "CHF", "retries": 3, "strict": true}));
    assert_eq!((&told["only-dev"], &told["only-db"]), (&json!(1), &json!(2)));
    // A list replaces a list as a whole.
    assert_eq!(told["payment"]["methods"], json!(["paypal"]));
    assert_eq!(told["payment"]["carriers"], json!([{"name": "dhl", "days": 2}, {"name": "ups", "days": 3}]));
    // Placeholders are left to the client.
    assert_eq!(told["home"], "${greeting} in ${shared.currency:USD} and ${absent:nothing}");

    let keys = json!(["payment.methods", "shared.currency", "not.there"]);
    let ask = json!({"app": "shop", "profile": "prod", "label": "main", "keys": keys});
    let got = all.config_client("config_client_get", ask).await.unwrap();
    assert_eq!(got, json!([["card", "invoice"], "EUR", ""]));
}

#[tokio::test]
async fn spring_config_client_is_given_the_finished_tree() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::git(), &[]).await;
    let told = all.read("spring_config_client", "shop", "dev,db", "main").await;
    let expected = json!({
        "greeting": "shop", "level": "db", "only-dev": 1, "only-db": 2,
        "server": {"port": 8085},
        "shared": {"currency": "CHF", "retries": 3, "strict": true},
        "payment": {
            "methods": ["paypal"],
            "carriers": [{"name": "dhl", "days": 2}, {"name": "ups", "days": 3}],
        },
        "home": "shop in CHF and nothing",
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn spring_config_client_python_is_given_flat_keys() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::git(), &[]).await;
    let told = all.read("spring_config_client_python", "shop", "dev,db", "").await;
    let expected = json!({
        "greeting": "shop", "level": "db", "only-dev": 1, "only-db": 2, "server.port": 8085,
        "shared.currency": "CHF", "shared.retries": 3, "shared.strict": true,
        // It knows nothing of lists, and mixes the weaker one in.
        "payment.methods[0]": "paypal", "payment.methods[1]": "invoice",
        "payment.carriers[0].name": "dhl", "payment.carriers[0].days": 2,
        "payment.carriers[1].name": "ups", "payment.carriers[1].days": 3,
        "home": "${greeting} in ${shared.currency:USD} and ${absent:nothing}",
    });
    assert_eq!(told, expected);
    // Whatever comes from a .properties file is text.
    let told = all.read("spring_config_client_python", "prices", "default", "").await;
    assert_eq!((&told["prices.tax"], &told["prices.rounding"]), (&json!("19"), &json!("half-even")));
}

#[tokio::test]
async fn cloud_config_client_is_given_the_sources_strongest_first() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::git(), &[]).await;
    let told = all.read("cloud_config_client", "shop", "dev,db", "").await;
    assert_eq!(told["properties"]["shared.currency"], "CHF", "{told:#}");
    assert_eq!(told["properties"]["shared.strict"], true);
    // It can do both with lists.
    assert_eq!(told["object"]["payment"]["methods"], json!(["paypal"]));
    assert_eq!(told["merged"]["payment"]["methods"], json!(["paypal", "invoice"]));
    let carriers = json!([{"name": "dhl", "days": 2}, {"name": "ups", "days": 3}]);
    assert_eq!(told["object"]["payment"]["carriers"], carriers);

    let raw = &told["raw"];
    assert_eq!((&raw["name"], &raw["profiles"]), (&json!("shop"), &json!(["dev", "db"])), "{raw:#}");
    assert_eq!(raw["version"], all.repository.commit("main"));
    let (_, place) = all.repository.setting();
    let expected = ["shop-db.yml", "shop-dev.yml", "application-dev.yml", "shop.yml", "application.yml"];
    let names = raw["propertySources"].as_array().unwrap().iter().map(|source| source["name"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), expected.map(|file| format!("{place}/{file}")));
}

#[tokio::test]
async fn spring_cloud_config_lays_the_servers_properties_over_its_own() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::git(), &[]).await;
    let told = all.read("spring_cloud_config", "shop", "dev,db", "main").await;
    assert_eq!((&told["local"], &told["greeting"]), (&json!("its own"), &json!("shop")), "{told:#}");
    assert_eq!(told["shared"], json!({"currency": "CHF", "retries": 3, "strict": true}));
    // It makes objects of dots, and leaves what lists are made of as it is.
    assert_eq!(told["payment"]["methods[0]"], "paypal");
    assert_eq!(told["payment"]["carriers[1]"], json!({"name": "ups", "days": 3}));
}
