//! Clients ask for branches, tags and commits, for those that are not there, and below a prefix.

use serde_json::json;

use crate::{
    Repository,
    configuring::{CLIENTS, Configuring, LABELLING, plain},
    needs_clients,
};

#[tokio::test]
async fn a_label_is_a_branch_a_tag_or_a_commit() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::git(), &[]).await;
    let first = all.repository.commit("v1");
    for client in LABELLING {
        // A slash is written so, for it would end the label in a URL.
        for (label, profile, wins) in [
            ("main", "late", "late"),
            ("v1", "late", "base"),
            (&first, "late", "base"),
            ("feature(_)x", "late", "feature"),
            ("feature(_)x", "dev", "dev"),
        ] {
            let told = all.read(client, "shop", profile, label).await;
            assert_eq!(plain(client, &told, "level"), wins, "{client} {label}: {told:#}");
        }
    }
    // The JavaScript clients write %2F for it, which is as good here; the original refuses that.
    for client in ["cloud_config_client", "spring_cloud_config"] {
        let told = all.read(client, "shop", "late", "feature/x").await;
        assert_eq!(plain(client, &told, "level"), "feature", "{client}: {told:#}");
    }
    let told = all.read("cloud_config_client", "shop", "dev", "feature(_)x").await;
    assert_eq!(told["raw"]["version"], all.repository.commit("feature/x"), "{told:#}");
}

#[tokio::test]
async fn a_label_is_a_folder_below_a_folder() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::folder(), &[]).await;
    for client in LABELLING {
        let told = all.read(client, "shop", "prod", "feature(_)x").await;
        assert_eq!(plain(client, &told, "level"), "feature", "{client}: {told:#}");
        assert_eq!(plain(client, &told, "greeting"), "shop", "{client}: {told:#}");
    }
    let told = all.read("cloud_config_client", "shop", "prod", "feature(_)x").await;
    assert!(told["raw"]["version"].is_null(), "{told:#}");
}

#[tokio::test]
async fn an_unknown_label_is_an_error() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::git(), &[]).await;
    for client in LABELLING {
        let error = all.try_read(client, "shop", "dev", "nowhere").await.unwrap_err();
        assert!(all.was_told(client, &error, "404"), "{client}: {error}");
        all.read(client, "shop", "dev", "main").await;
    }
}

#[tokio::test]
async fn two_clients_ask_for_master_of_themselves() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::git(), &[]).await;
    for client in ["config_client", "spring_config_client"] {
        all.try_read(client, "shop", "dev", "").await.unwrap_err();
    }
    all.repository.branch("master", "feature/x");
    for client in ["config_client", "spring_config_client"] {
        let told = all.read(client, "shop", "prod", "").await;
        assert_eq!(told["level"], "feature", "{client}: {told:#}");
    }
}

#[tokio::test]
async fn what_is_committed_is_read_with_the_next_request() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::git(), &[]).await;
    for client in CLIENTS {
        all.repository.write("application.yml", &format!("greeting: for {client}\n"));
        let told = all.read(client, "nobody", "prod", "main").await;
        assert_eq!(plain(client, &told, "greeting"), &json!(format!("for {client}")), "{told:#}");
    }
}

#[tokio::test]
async fn a_prefix_goes_before_everything() {
    if !needs_clients() {
        return;
    }
    let mut all = Configuring::start(Repository::git(), &[("SOUK_CONFIG_SERVER__PREFIX", "/configuration")]).await;
    all.path = "/configuration";
    for client in CLIENTS {
        let told = all.read(client, "shop", "dev", "main").await;
        assert_eq!(plain(client, &told, "level"), "dev", "{client}: {told:#}");
    }
    let ask = json!({"app": "shop", "profile": "prod", "label": "main", "file": "mails/welcome.txt"});
    assert_eq!(all.config_client("config_client_file", ask).await.unwrap(), "Welcome to the shop\n");
}
