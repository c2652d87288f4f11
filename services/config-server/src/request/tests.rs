//! Tests of the paths that the protocol has, and of those that it refuses.

use super::*;

fn target_of(applications: &[&str], profiles: &[&str], labels: &[&str]) -> Target {
    let owned = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    Target { applications: owned(applications), profiles: owned(profiles), labels: owned(labels) }
}

fn environment(applications: &[&str], profiles: &[&str], labels: &[&str]) -> ConfigRequest {
    ConfigRequest::Environment(target_of(applications, profiles, labels))
}

#[test]
fn environments() {
    for (path, expected) in [
        ("/shop/dev", environment(&["shop"], &["dev"], &[])),
        ("/shop/dev/", environment(&["shop"], &["dev"], &[])),
        ("/shop/dev,db", environment(&["shop"], &["dev", "db"], &[])),
        ("/shop/dev%2Cdb/main", environment(&["shop"], &["dev", "db"], &["main"])),
        ("/shop,cart/dev/main", environment(&["shop", "cart"], &["dev"], &["main"])),
        ("/shop/dev/feature(_)x", environment(&["shop"], &["dev"], &["feature/x"])),
        ("/shop/dev/feature%28_%29x", environment(&["shop"], &["dev"], &["feature/x"])),
        ("/shop/dev/feature%2Fx", environment(&["shop"], &["dev"], &["feature/x"])),
        ("/team(_)shop/dev", environment(&["team/shop"], &["dev"], &[])),
        ("/shop/dev/a,b", environment(&["shop"], &["dev"], &["a", "b"])),
        ("/shop/dev/v1.0.json", environment(&["shop"], &["dev"], &["v1.0.json"])),
        ("/shop/a-b_c.d+e@f", environment(&["shop"], &["a-b_c.d+e@f"], &[])),
        ("/m%C3%BCsli/dev", environment(&["müsli"], &["dev"], &[])),
        ("/shop.eu/dev", environment(&["shop.eu"], &["dev"], &[])),
    ] {
        assert_eq!(ConfigRequest::parse(path, "").unwrap(), expected, "{path}");
    }
}

#[test]
fn flat_documents() {
    for (path, application, profile, labels, format) in [
        ("/shop-dev.yml", "shop", "dev", &[][..], FlatFormat::Yaml),
        ("/shop-dev.yaml", "shop", "dev", &[], FlatFormat::Yaml),
        ("/foo-bar-dev.json", "foo-bar", "dev", &[], FlatFormat::Json),
        ("/main/shop-dev.properties", "shop", "dev", &["main"], FlatFormat::Properties),
        ("/feature(_)x/shop-dev.json", "shop", "dev", &["feature/x"], FlatFormat::Json),
    ] {
        assert_eq!(
            ConfigRequest::parse(path, "").unwrap(),
            ConfigRequest::Flat(target_of(&[application], &[profile], labels), format),
            "{path}"
        );
    }
    let two = ConfigRequest::Flat(target_of(&["shop"], &["dev", "db"], &[]), FlatFormat::Yaml);
    assert_eq!(ConfigRequest::parse("/shop-dev%2Cdb.yml", "").unwrap(), two);
}

#[test]
fn resources() {
    for (path, query, labels, file) in [
        ("/shop/dev/main/nginx.conf", "", &["main"][..], "nginx.conf"),
        ("/shop/dev/main/a/b/c.txt", "", &["main"], "a/b/c.txt"),
        ("/shop/dev/main/a%20b.txt", "", &["main"], "a b.txt"),
        ("/shop/dev/nginx.conf", "useDefaultLabel", &[], "nginx.conf"),
        ("/shop/dev/nginx.conf", "x=1&useDefaultLabel=true", &[], "nginx.conf"),
    ] {
        let expected = ConfigRequest::Resource(target_of(&["shop"], &["dev"], labels), file.to_owned());
        assert_eq!(ConfigRequest::parse(path, query).unwrap(), expected, "{path}");
    }
}

#[test]
fn invalid_paths_are_refused() {
    let status = |path: &str| ConfigRequest::parse(path, "").unwrap_err().status().as_u16();
    for path in ["/", "/shop", "/shop.yml", "/-dev.yml", "/shop-.yml", "//dev", "/shop/", "/main/shop.json", "/x-y.txt"]
    {
        assert_eq!(status(path), 404, "{path}");
    }
    for path in [
        "/shop/dev,",
        "/shop/,dev",
        "/shop/de%20v",
        "/shop/-dev",
        "/shop/dev-",
        "/shop/d%2Fev",
        "/..shop/dev",
        "/%2e%2e/dev",
        "/%252e%252e/dev",
        "/%25252e%25252e/dev",
        "/(_)shop/dev",
        "/%2528_%2529shop/dev",
        "/shop/dev/(_)etc",
        "/shop/dev/a(_)..(_)b",
        "/shop/dev/a%23b",
        "/shop/dev/a%2523b",
        "/shop/dev/%2Fetc",
        "/shop/dev/a%5Cb",
        "/shop/dev/a%00b",
        "/shop,/dev",
        "/shop/dev/a,,b",
        "/%FF/dev",
        "/../shop-dev.yml",
        "/shop/dev/../x.txt",
    ] {
        assert_eq!(status(path), 400, "{path}");
    }
}

#[test]
fn flags_of_the_query_are_read() {
    assert!(
        resolves_placeholders("")
            && resolves_placeholders("resolvePlaceholders=true")
            && !resolves_placeholders("a=b&resolvePlaceholders=false")
    );
    assert!(has_flag("useDefaultLabel", "useDefaultLabel") && !has_flag("useDefaultLabel=false", "useDefaultLabel"));
}

#[test]
fn refusals_name_the_invalid_part() {
    let message = |path: &str| ConfigRequest::parse(path, "").unwrap_err().to_string();
    assert_eq!(message("/shop/dev/a..b"), "'a..b' is not the name of a label.");
    assert_eq!(message("/a..b/dev"), "'a..b' is not the name of an application.");
}
