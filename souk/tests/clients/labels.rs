//! Clients request branches, tags and commits, unknown labels, and a server with a prefix.

use serde_json::json;

use crate::{
    Repository,
    config_clients::{CLIENTS, ConfigClients, LABELLING, plain},
    needs_clients,
};

#[tokio::test]
async fn a_label_is_a_branch_a_tag_or_a_commit() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[]).await;
    let first = all.repository.commit("v1");
    for client in LABELLING {
        // `(_)` stands for a slash, which would end the label in a URL.
        for (label, profile, wins) in [
            ("main", "late", "late"),
            ("v1", "late", "base"),
            (&first, "late", "base"),
            ("feature(_)x", "late", "feature"),
            ("feature(_)x", "dev", "dev"),
        ] {
            let properties = all.read(client, "shop", profile, label).await;
            assert_eq!(plain(client, &properties, "level"), wins, "{client} {label}: {properties:#}");
        }
    }
    // The JavaScript clients send %2F instead. Spring's server refuses that.
    for client in ["cloud_config_client", "spring_cloud_config"] {
        let properties = all.read(client, "shop", "late", "feature/x").await;
        assert_eq!(plain(client, &properties, "level"), "feature", "{client}: {properties:#}");
    }
    let properties = all.read("cloud_config_client", "shop", "dev", "feature(_)x").await;
    assert_eq!(properties["raw"]["version"], all.repository.commit("feature/x"), "{properties:#}");
}

#[tokio::test]
async fn a_label_is_a_folder_below_a_folder() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::folder(), &[]).await;
    for client in LABELLING {
        let properties = all.read(client, "shop", "prod", "feature(_)x").await;
        assert_eq!(plain(client, &properties, "level"), "feature", "{client}: {properties:#}");
        assert_eq!(plain(client, &properties, "greeting"), "shop", "{client}: {properties:#}");
    }
    let properties = all.read("cloud_config_client", "shop", "prod", "feature(_)x").await;
    assert!(properties["raw"]["version"].is_null(), "{properties:#}");
}

#[tokio::test]
async fn an_unknown_label_is_an_error() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[]).await;
    for client in LABELLING {
        let error = all.try_read(client, "shop", "dev", "nowhere").await.unwrap_err();
        assert!(all.failed_with(client, &error, "404"), "{client}: {error}");
        all.read(client, "shop", "dev", "main").await;
    }
}

#[tokio::test]
async fn two_clients_request_master_by_default() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[]).await;
    for client in ["config_client", "spring_config_client"] {
        all.try_read(client, "shop", "dev", "").await.unwrap_err();
    }
    all.repository.branch("master", "feature/x");
    for client in ["config_client", "spring_config_client"] {
        let properties = all.read(client, "shop", "prod", "").await;
        assert_eq!(properties["level"], "feature", "{client}: {properties:#}");
    }
}

#[tokio::test]
async fn a_commit_is_read_with_the_next_request() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[]).await;
    for client in CLIENTS {
        all.repository.write("application.yml", &format!("greeting: for {client}\n"));
        let properties = all.read(client, "nobody", "prod", "main").await;
        assert_eq!(plain(client, &properties, "greeting"), &json!(format!("for {client}")), "{properties:#}");
    }
}

#[tokio::test]
async fn a_prefix_goes_before_everything() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[("SOUK_CONFIG_SERVER__PREFIX", "/configuration")]).await;
    all.path = "/configuration";
    for client in CLIENTS {
        let properties = all.read(client, "shop", "dev", "main").await;
        assert_eq!(plain(client, &properties, "level"), "dev", "{client}: {properties:#}");
    }
    let args = json!({"app": "shop", "profile": "prod", "label": "main", "file": "mails/welcome.txt"});
    assert_eq!(all.config_client("config_client_file", args).await.unwrap(), "Welcome to the shop\n");
}
