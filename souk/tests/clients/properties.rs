//! Each client of a config server reads properties from two profiles, lists and a shared file.

use serde_json::json;

use crate::{
    Repository,
    config_clients::{CLIENTS, ConfigClients, plain},
    needs_clients,
};

#[tokio::test]
async fn of_two_profiles_the_last_wins() {
    if !needs_clients() {
        return;
    }
    for repository in [Repository::git(), Repository::folder()] {
        let mut all = ConfigClients::start(repository, &[]).await;
        for client in CLIENTS {
            for (profile, wins) in [("prod", "base"), ("dev", "dev"), ("db", "db"), ("dev,db", "db"), ("db,dev", "dev")]
            {
                let properties = all.read(client, "shop", profile, "main").await;
                assert_eq!(plain(client, &properties, "level"), wins, "{client} {profile}: {properties:#}");
                assert_eq!(plain(client, &properties, "greeting"), "shop", "{client} {profile}: {properties:#}");
            }
            // An application without a file of its own gets the shared properties.
            let properties = all.read(client, "nobody", "prod", "main").await;
            assert_eq!(plain(client, &properties, "greeting"), "shared", "{client}: {properties:#}");
        }
    }
}

#[tokio::test]
async fn config_client_rebuilds_objects_and_lists() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[]).await;
    let properties = all.read("config_client", "shop", "dev,db", "main").await;
    assert_eq!(properties["server"]["port"], 8085, "{properties:#}");
    assert_eq!(properties["shared"], json!({"currency": "CHF", "retries": 3, "strict": true}));
    assert_eq!((&properties["only-dev"], &properties["only-db"]), (&json!(1), &json!(2)));
    // A list replaces a list as a whole.
    assert_eq!(properties["payment"]["methods"], json!(["paypal"]));
    assert_eq!(properties["payment"]["carriers"], json!([{"name": "dhl", "days": 2}, {"name": "ups", "days": 3}]));
    // The server leaves placeholders to the client.
    assert_eq!(properties["home"], "${greeting} in ${shared.currency:USD} and ${absent:nothing}");

    let keys = json!(["payment.methods", "shared.currency", "not.there"]);
    let args = json!({"app": "shop", "profile": "prod", "label": "main", "keys": keys});
    let got = all.config_client("config_client_get", args).await.unwrap();
    assert_eq!(got, json!([["card", "invoice"], "EUR", ""]));
}

#[tokio::test]
async fn spring_config_client_is_given_the_finished_tree() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[]).await;
    let properties = all.read("spring_config_client", "shop", "dev,db", "main").await;
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
    assert_eq!(properties, expected);
}

#[tokio::test]
async fn spring_config_client_python_is_given_flat_keys() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[]).await;
    let properties = all.read("spring_config_client_python", "shop", "dev,db", "").await;
    let expected = json!({
        "greeting": "shop", "level": "db", "only-dev": 1, "only-db": 2, "server.port": 8085,
        "shared.currency": "CHF", "shared.retries": 3, "shared.strict": true,
        // It has no notion of lists, and mixes the items of the weaker one in.
        "payment.methods[0]": "paypal", "payment.methods[1]": "invoice",
        "payment.carriers[0].name": "dhl", "payment.carriers[0].days": 2,
        "payment.carriers[1].name": "ups", "payment.carriers[1].days": 3,
        "home": "${greeting} in ${shared.currency:USD} and ${absent:nothing}",
    });
    assert_eq!(properties, expected);
    // Values of a .properties file are strings.
    let properties = all.read("spring_config_client_python", "prices", "default", "").await;
    assert_eq!((&properties["prices.tax"], &properties["prices.rounding"]), (&json!("19"), &json!("half-even")));
}

#[tokio::test]
async fn cloud_config_client_is_given_the_sources_strongest_first() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[]).await;
    let properties = all.read("cloud_config_client", "shop", "dev,db", "").await;
    assert_eq!(properties["properties"]["shared.currency"], "CHF", "{properties:#}");
    assert_eq!(properties["properties"]["shared.strict"], true);
    // It can replace lists, and merge them.
    assert_eq!(properties["object"]["payment"]["methods"], json!(["paypal"]));
    assert_eq!(properties["merged"]["payment"]["methods"], json!(["paypal", "invoice"]));
    let carriers = json!([{"name": "dhl", "days": 2}, {"name": "ups", "days": 3}]);
    assert_eq!(properties["object"]["payment"]["carriers"], carriers);

    let raw = &properties["raw"];
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
    let mut all = ConfigClients::start(Repository::git(), &[]).await;
    let properties = all.read("spring_cloud_config", "shop", "dev,db", "main").await;
    assert_eq!((&properties["local"], &properties["greeting"]), (&json!("its own"), &json!("shop")), "{properties:#}");
    assert_eq!(properties["shared"], json!({"currency": "CHF", "retries": 3, "strict": true}));
    // It turns dots into objects, and leaves indexes as they are.
    assert_eq!(properties["payment"]["methods[0]"], "paypal");
    assert_eq!(properties["payment"]["carriers[1]"], json!({"name": "ups", "days": 3}));
}
