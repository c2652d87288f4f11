//! config-client reads text files, with their placeholders resolved.

use serde_json::{Value, json};

use crate::{Repository, config_clients::ConfigClients, needs_clients};

async fn file(all: &mut ConfigClients, file: &str, profile: &str, label: &str) -> Result<Value, String> {
    let args = json!({"app": "shop", "profile": profile, "label": label, "file": file});
    all.config_client("config_client_file", args).await
}

#[tokio::test]
async fn placeholders_in_text_are_resolved() {
    if !needs_clients() {
        return;
    }
    for repository in [Repository::git(), Repository::folder()] {
        let mut all = ConfigClients::start(repository, &[]).await;
        for (name, profile, label, text) in [
            ("nginx.conf", "prod", "main", "server_name shop.example;\nlisten 8085;\nproxy_set_header Host ${host};\n"),
            ("nginx.conf", "dev", "main", "listen 8085 of dev;\n"),
            ("branch.conf", "prod", "feature(_)x", "a branch's\n"),
            ("mails/welcome.txt", "dev", "main", "Welcome to the shop\n"),
        ] {
            let found = file(&mut all, name, profile, label).await;
            assert_eq!(found.as_ref().unwrap(), text, "{name} {profile} {label} of {:?}", all.repository);
        }
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_an_error() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[]).await;
    for (name, label) in
        [("nothing.conf", "main"), ("nginx.conf", "nowhere"), ("branch.conf", "main"), ("mails/nothing.txt", "main")]
    {
        let error = file(&mut all, name, "dev", label).await.unwrap_err();
        assert!(error.starts_with("RequestFailedException"), "{name}: {error}");
    }
}
