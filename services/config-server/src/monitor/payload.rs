//! Reads the bodies that Git hosts send, and the plain ones.

use axum::http::{HeaderMap, header};
use serde_json::Value;

/// Whoever is told of this file is told that everything changed.
const EVERYTHING: &str = "application.yml";

/// The body is not what its content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is neither JSON nor a form")]
pub struct Unreadable;

/// The paths that changed, as the body tells. A body that tells nothing of the kind is no error, but no paths.
pub fn changed_paths(headers: &HeaderMap, body: &[u8]) -> Result<Vec<String>, Unreadable> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return form(headers, body);
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    Ok(of_json(headers, &value))
}

/// `path=…`, any number of times; or `payload=JSON`, as GitHub may be told to send.
fn form(headers: &HeaderMap, body: &[u8]) -> Result<Vec<String>, Unreadable> {
    let mut paths = Vec::new();
    for (name, text) in url::form_urlencoded::parse(body) {
        match name.as_ref() {
            "path" => paths.extend(text.split(',').map(|path| path.trim().to_owned())),
            "payload" => {
                let value: Value = serde_json::from_str(&text).map_err(|_| Unreadable)?;
                paths.extend(of_json(headers, &value));
            }
            _ => {}
        }
    }
    Ok(paths)
}

fn of_json(headers: &HeaderMap, value: &Value) -> Vec<String> {
    let is = |name: &str, event: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|given| given.eq_ignore_ascii_case(event))
    };
    let is_push = is("x-github-event", "push")
        || is("x-gitea-event", "push")
        || is("x-gogs-event", "push")
        || is("x-gitlab-event", "push hook")
        || is("x-gitee-event", "push hook");
    if is_push {
        return commits(value);
    }
    // Bitbucket tells the commits, but not their files.
    if is("x-event-key", "repo:push") || is("x-event-key", "repo:refs_changed") {
        return vec![EVERYTHING.to_owned()];
    }
    texts(value.get("path"))
}

/// The files of a push's commits.
fn commits(value: &Value) -> Vec<String> {
    let commits = value.get("commits").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let of = |commit: &Value| {
        ["added", "removed", "modified"].into_iter().flat_map(|list| texts(commit.get(list))).collect::<Vec<_>>()
    };
    let mut paths: Vec<String> = commits.iter().flat_map(of).collect();
    // GitLab and Gitea send some commits of a large push, and how many there are.
    let told = ["total_commits_count", "total_commits"].into_iter().find_map(|name| value.get(name)?.as_u64());
    if told.is_some_and(|told| usize::try_from(told).is_ok_and(|told| told > commits.len())) {
        paths.push(EVERYTHING.to_owned());
    }
    paths
}

/// A text or a list of texts.
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

    fn paths(header: Option<(&'static str, &'static str)>, body: &str) -> Result<Vec<String>, Unreadable> {
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
    fn a_push_that_is_told_in_part_changes_everything() {
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
        assert_eq!(paths(None, "path"), Err(Unreadable));
        assert_eq!(paths(form, "payload=x"), Err(Unreadable));
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
