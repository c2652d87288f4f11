use http::Response;

use super::*;

fn filters(texts: &[&str]) -> Filters {
    let mut filters = Filters::default();
    for text in texts {
        filters.add(&Definition::from(*text)).unwrap();
    }
    filters
}

fn rewritten(texts: &[&str], requested: &str, variables: &Variables<'_>) -> Option<String> {
    filters(texts).rewrite(&requested.parse().unwrap(), variables).map(|path| path.to_string())
}

#[test]
fn paths_and_queries_are_changed_in_the_order_of_the_filters() {
    for (texts, requested, expected) in [
        (&["StripPrefix=1"][..], "/api/orders/1?a=%20b&c", "/orders/1?a=%20b&c"),
        (&["StripPrefix=1"], "/api/orders/", "/orders/"),
        (&["StripPrefix"], "/api", "/"),
        (&["StripPrefix=1"], "/api?a=/b/c", "/?a=/b/c"),
        (&["StripPrefix=2"], "/api/orders/1", "/1"),
        (&["StripPrefix=3"], "/api/orders", "/"),
        (&["StripPrefix=0"], "/api/caf%C3%A9", "/api/caf%C3%A9"),
        (&["PrefixPath=/v2"], "/orders?a=1", "/v2/orders?a=1"),
        (&["StripPrefix=1", "PrefixPath=/v2/"], "/api/orders", "/v2/orders"),
        (&["SetPath=/one/{id}"], "/any", "/one/7"),
        (&["RewritePath=/red/?(?<rest>.*), /$\\{rest}"], "/red/a/b?x=1", "/a/b?x=1"),
        (&["RewritePath=/red(/?.*),/blue$1"], "/red/a", "/blue/a"),
        (&["AddRequestParameter=q, a b&{id}"], "/x", "/x?q=a%20b%267"),
        (&["AddRequestParameter=q,1"], "/x?a=2", "/x?a=2&q=1"),
        (&["RemoveRequestParameter=a"], "/x?a=1&b=2&%61=3", "/x?b=2"),
        (&["RemoveRequestParameter=a"], "/x?a", "/x"),
    ] {
        assert_eq!(rewritten(texts, requested, &[("id", "7")]).as_deref(), Some(expected), "{texts:?} {requested}");
    }
}

#[test]
fn no_filter_leads_to_a_path_of_services_or_to_a_dangerous_one() {
    for (text, requested) in [
        ("StripPrefix=1", "/api/internal/x"),
        ("SetPath=/internal/{id}", "/x"),
        ("PrefixPath=/internal", "/x"),
        ("RewritePath=/open/(.*),/$1", "/open/internal/x"),
        ("RewritePath=/open/(.*),/..$1", "/open//x"),
        ("SetPath=/a/{dots}/b", "/x"),
    ] {
        assert_eq!(rewritten(&[text], requested, &[("id", "7"), ("dots", "..")]), None, "{text} {requested}");
    }
}

#[test]
fn headers_of_a_request_are_changed() {
    let filters = filters(&[
        "AddRequestHeader=X-A,new {id}",
        "SetRequestHeader=X-B,new",
        "RemoveRequestHeader=X-C",
        "AddRequestHeadersIfNotPresent=X-D,new",
    ]);
    assert!(filters.needs_variables());
    let mut headers = HeaderMap::new();
    for name in ["x-a", "x-b", "x-b", "x-c", "x-c", "x-d"] {
        headers.append(name, HeaderValue::from_static("old"));
    }
    filters.change_request(&mut headers, &[("id", "7")]);
    let values = |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(["x-a", "x-b", "x-c", "x-d"].map(values), [vec!["old", "new 7"], vec!["new"], vec![], vec!["old"]]);
}

#[test]
fn a_response_is_changed() {
    let filters = filters(&[
        "AddResponseHeader=X-A,new",
        "SetResponseHeader=X-B,new",
        "RemoveResponseHeader=Server",
        "DedupeResponseHeader=Vary X-A,RETAIN_LAST",
        "DedupeResponseHeader=X-U,RETAIN_UNIQUE",
        "SetStatus=404",
        "SecureHeaders",
    ]);
    let mut response = Response::new(());
    for (name, value) in [
        ("x-a", "old"),
        ("x-b", "old"),
        ("server", "x"),
        ("vary", "a"),
        ("vary", "b"),
        ("x-u", "1"),
        ("x-u", "2"),
        ("x-u", "1"),
        ("referrer-policy", "origin"),
    ] {
        response.headers_mut().append(name, HeaderValue::from_static(value));
    }
    filters.change_response(&mut response);
    assert_eq!(response.status(), 404);
    let values =
        |name: &str| response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        ["x-a", "x-b", "server", "vary", "x-u", "referrer-policy", "x-frame-options"].map(values),
        [vec!["new"], vec!["new"], vec![], vec!["b"], vec!["1", "2"], vec!["origin"], vec!["DENY"]]
    );
}

#[test]
fn limits_redirects_and_breakers_are_read() {
    let filters = filters(&[
        "RequestSize=2KB",
        "RequestHeaderSize=20",
        "PreserveHostHeader",
        "RedirectTo=308,https://shop.example/new",
    ]);
    assert_eq!((filters.max_body, filters.keeps_host), (Some(2_048), true));
    let mut headers = HeaderMap::new();
    headers.insert("x-a", HeaderValue::from_static("0123456789abcdef0"));
    assert!(!filters.is_header_too_large(&headers), "20 bytes with its name");
    headers.insert("x-a", HeaderValue::from_static("0123456789abcdef01"));
    assert!(filters.is_header_too_large(&headers));
    let redirect = filters.redirect.as_ref().unwrap().response();
    assert_eq!(
        (redirect.status().as_u16(), &redirect.headers()["location"]),
        (308, &"https://shop.example/new".parse().unwrap())
    );
    let full: Definition = serde_json::from_value(serde_json::json!({"name": "CircuitBreaker", "args":
        {"name": "slow", "fallbackUri": "forward:/api/shop?x=1", "statusCodes": [500, 503]}}))
    .unwrap();
    let mut filters = Filters::default();
    filters.add(&full).unwrap();
    let breaker = filters.breaker.unwrap();
    assert_eq!(breaker.name.as_deref(), Some("slow"));
    assert_eq!(breaker.fallback.unwrap().as_str(), "/api/shop?x=1");
    assert_eq!(breaker.statuses, [500, 503]);
}

#[test]
fn mistakes_are_described() {
    for (text, part) in [
        ("Compress", "unknown filter 'Compress'"),
        ("StripPrefix=x", "not a number"),
        ("StripPrefix=1,2", "at most 1"),
        ("PrefixPath=v2", "begin with '/'"),
        ("SetPath=/{id", "without '}'"),
        ("RewritePath=(,x", "the expression '('"),
        ("AddRequestHeader=X-A", "needs value"),
        ("AddRequestHeader=a b,c", "not the name of a header"),
        ("RequestSize=20XB", "not a size"),
        ("RedirectTo=200,/x", "from 300 to 399"),
        ("SetStatus=teapot", "a status such as"),
        ("DedupeResponseHeader=Vary,SOME", "unknown strategy"),
        ("CircuitBreaker=x,https://other", "forward:"),
        ("CircuitBreaker=x,forward:/internal/x", "forward:"),
        ("CircuitBreaker=x,forward:/x,abc", "not a status"),
    ] {
        let mistake = Filters::default().add(&text.into()).unwrap_err();
        assert!(mistake.contains(part), "{text}: {mistake}");
    }
}

#[test]
fn every_name_is_that_of_a_filter() {
    for name in NAMES {
        let mistake = Filters::default().add(&name.into()).err().unwrap_or_default();
        assert!(!mistake.contains("unknown"), "{name}: {mistake}");
    }
}
