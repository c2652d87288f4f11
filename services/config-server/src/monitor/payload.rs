//! Parses the bodies of webhooks: those of Git hosts, and plain lists of paths.

use axum::http::{HeaderMap, header};
use serde_json::Value;

/// Stands for a change of everything, since every application reads this file.
const EVERYTHING: &str = "application.yml";

/// The body does not have the format of its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is neither JSON nor a form")]
pub(crate) struct InvalidPayload;

/// Returns the paths that changed. A body that contains none, such as that of another event, gives an empty list.
pub(crate) fn changed_paths(headers: &HeaderMap, body: &[u8]) -> Result<Vec<String>, InvalidPayload> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return from_form(headers, body);
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| InvalidPayload)?;
    Ok(from_json(headers, &value))
}

/// Parses a form: `path=…`, any number of times, or `payload=JSON`, which GitHub can be configured to send.
fn from_form(headers: &HeaderMap, body: &[u8]) -> Result<Vec<String>, InvalidPayload> {
    let mut paths = Vec::new();
    for (name, text) in url::form_urlencoded::parse(body) {
        match name.as_ref() {
            "path" => paths.extend(text.split(',').map(|path| path.trim().to_owned())),
            "payload" => {
                let value: Value = serde_json::from_str(&text).map_err(|_| InvalidPayload)?;
                paths.extend(from_json(headers, &value));
            }
            _ => {}
        }
    }
    Ok(paths)
}

fn from_json(headers: &HeaderMap, value: &Value) -> Vec<String> {
    let is = |name: &str, event: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|given| given.eq_ignore_ascii_case(event))
    };
    let is_push = is("x-github-event", "push")
        || is("x-gitea-event", "push")
        || is("x-gogs-event", "push")
        || is("x-gitlab-event", "push hook")
        || is("x-gitee-event", "push hook");
    if is_push {
        return paths_of_commits(value);
    }
    // Bitbucket lists the commits without their files.
    if is("x-event-key", "repo:push") || is("x-event-key", "repo:refs_changed") {
        return vec![EVERYTHING.to_owned()];
    }
    texts(value.get("path"))
}

/// Returns the files of a push's commits.
fn paths_of_commits(value: &Value) -> Vec<String> {
    let commits = value.get("commits").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of = |commit: &Value| {
        ["added", "removed", "modified"].into_iter().flat_map(|list| texts(commit.get(list))).collect::<Vec<_>>()
    };
    let mut paths: Vec<String> = commits.iter().flat_map(of).collect();
    // Of a large push, GitLab and Gitea send only some commits, and the total.
    let total = ["total_commits_count", "total_commits"].into_iter().find_map(|name| value.get(name)?.as_u64());
    if total.is_some_and(|total| usize::try_from(total).is_ok_and(|total| total > commits.len())) {
        paths.push(EVERYTHING.to_owned());
    }
    paths
}

/// Reads a text or a list of texts.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(header: Option<(&'static str, &'static str)>, body: &str) -> Result<Vec<String>, InvalidPayload> {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().unwrap());
        }
        changed_paths(&headers, body.as_bytes())
    }

    #[test]
    fn pushes_of_every_host() {
        let body = r#"{"commits":[{"added":["a.yml"],"removed":[],"modified":["b/c-dev.yml"]},{"removed":["d.yml"]}]}"#;
        for header in [
            ("x-github-event", "push"),
            ("x-gitlab-event", "Push Hook"),
            ("x-gitea-event", "push"),
            ("x-gogs-event", "push"),
            ("x-gitee-event", "Push Hook"),
        ] {
            assert_eq!(paths(Some(header), body).unwrap(), ["a.yml", "b/c-dev.yml", "d.yml"], "{header:?}");
        }
        assert_eq!(paths(Some(("x-event-key", "repo:push")), "{}").unwrap(), ["application.yml"]);
        for other in [("x-github-event", "ping"), ("x-gitlab-event", "Issue Hook"), ("x-event-key", "issue:created")] {
            assert!(paths(Some(other), body).unwrap().is_empty(), "{other:?}");
        }
    }

    #[test]
    fn a_push_whose_commits_are_incomplete_changes_everything() {
        let body = r#"{"total_commits_count":21,"commits":[{"added":["a.yml"]}]}"#;
        assert_eq!(paths(Some(("x-gitlab-event", "Push Hook")), body).unwrap(), ["a.yml", "application.yml"]);
    }

    #[test]
    fn plain_bodies_and_forms() {
        assert_eq!(paths(None, r#"{"path":"a.yml"}"#).unwrap(), ["a.yml"]);
        assert_eq!(paths(None, r#"{"path":["a.yml","b.yml",7]}"#).unwrap(), ["a.yml", "b.yml"]);
        let form = Some(("content-type", "application/x-www-form-urlencoded; charset=utf-8"));
        assert_eq!(paths(form, "path=a.yml&path=b%2Fc.yml&x=y").unwrap(), ["a.yml", "b/c.yml"]);
        for nothing in ["{}", "[]", "null", r#"{"path":5}"#, r#"{"commits":[{"added":["a.yml"]}]}"#] {
            assert!(paths(None, nothing).unwrap().is_empty(), "{nothing}");
        }
        assert_eq!(paths(None, "path"), Err(InvalidPayload));
        assert_eq!(paths(form, "payload=x"), Err(InvalidPayload));
    }

    #[test]
    fn a_push_may_come_as_a_form() {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        headers.insert("x-github-event", "push".parse().unwrap());
        let body = b"payload=%7B%22commits%22%3A%5B%7B%22added%22%3A%5B%22a.yml%22%5D%7D%5D%7D";
        assert_eq!(changed_paths(&headers, body).unwrap(), ["a.yml"]);
    }
}
