use http::HeaderValue;
use souk_values::{IdGen, ShiftedClock, SystemClock};

use super::*;
use std::{sync::Arc, time::Duration};

fn parse(text: &str) -> Result<Predicate, String> {
    Predicate::parse(&text.into(), &mut Weights::default())
}

#[test]
fn each_predicate_reads_its_part_of_a_request() {
    let mut headers = HeaderMap::new();
    for (name, value) in [("x-id", "42"), ("cookie", "a=1; theme=dark"), ("cookie", "b=2"), ("host", "shop.example")] {
        headers.append(name, HeaderValue::from_static(value));
    }
    let ids = IdGen::new(Arc::new(SystemClock));
    let request = RequestView {
        method: &Method::GET,
        path: "/api/orders/7",
        query: Some("green&colour=dark%20red"),
        host: Some("shop.example:8080"),
        headers: &headers,
        from: IpAddr::from([10, 1, 2, 3]),
        clock: &SystemClock,
        draws: Draws::new(&ids),
    };
    for (text, is_match) in [
        ("Path=/x,/api/orders/{id}", true),
        ("Path=/x", false),
        ("Method=POST,GET", true),
        ("Method=POST", false),
        ("Host=**.example", true),
        ("Host=other.example", false),
        ("Header=X-Id", true),
        ("Header=X-Id,\\d+", true),
        ("Header=X-Id,\\d", false),
        ("Header=X-Other", false),
        ("Query=green", true),
        ("Query=colour,dark.*", true),
        ("Query=colour,dark", false),
        ("Query=blue", false),
        ("Cookie=theme,dark|light", true),
        ("Cookie=b,2", true),
        ("Cookie=theme,dar", false),
        ("Cookie=c,.*", false),
        ("RemoteAddr=192.168.0.0/16,10.0.0.0/8", true),
        ("RemoteAddr=192.168.0.0/16", false),
        ("XForwardedRemoteAddr=10.1.2.3", true),
        ("After=2020-01-20T17:42:47.789-07:00[America/Denver]", true),
        ("After=2220-01-20T17:42:47Z", false),
        ("Before=2220-01-20T17:42:47Z", true),
        ("Before=2020-01-20T17:42:47Z", false),
        ("Between=2020-01-20T17:42:47Z,2220-01-20T17:42:47Z", true),
        ("Between=2220-01-20T17:42:47Z,2221-01-20T17:42:47Z", false),
    ] {
        assert_eq!(parse(text).unwrap().matches(&request), is_match, "{text}");
    }
    assert_eq!(parse("Path=/x,/api/{kind}/{id}").unwrap().variables(request.path), [("kind", "orders"), ("id", "7")]);
}

#[test]
fn a_time_begins_and_ends_on_the_injected_clock() {
    let clock = ShiftedClock::new(Duration::ZERO);
    let soon = clock.now().plus(Duration::from_secs(60));
    let later = clock.now().plus(Duration::from_secs(120));
    let between = parse(&format!("Between={soon},{later}")).unwrap();
    let ids = IdGen::new(clock.clone());
    let is_match = || {
        let request = RequestView { clock: &*clock, draws: Draws::new(&ids), ..RequestView::of(&Method::GET, "/") };
        between.matches(&request)
    };
    assert!(!is_match());
    clock.advance(Duration::from_secs(61));
    assert!(is_match());
    clock.advance(Duration::from_secs(60));
    assert!(!is_match());
}

#[test]
fn one_route_of_a_group_wins_by_its_weight() {
    let mut weights = Weights::default();
    let mut old = weights.add("version", 9);
    let mut new = weights.add("version", 1);
    let mut other = weights.add("other", 1);
    for weight in [&mut old, &mut new, &mut other] {
        weights.complete(weight);
    }
    let ids = IdGen::new(Arc::new(SystemClock));
    let mut won = [0, 0];
    for _ in 0..2_000 {
        let draws = Draws::new(&ids);
        let found = [draws.is_won_by(&old), draws.is_won_by(&new)];
        assert_ne!(found[0], found[1], "exactly one");
        assert!(draws.is_won_by(&other), "the only one of its group");
        assert_eq!([draws.is_won_by(&old), draws.is_won_by(&new)], found, "one draw for a request");
        won[usize::from(found[1])] += 1;
    }
    assert!((120..300).contains(&won[1]), "{won:?}");
}

#[test]
fn mistakes_are_described() {
    for (text, part) in [
        ("Colour=x", "unknown predicate"),
        ("Path=x", "begin with '/'"),
        ("Path", "needs patterns"),
        ("Method=SHOUT", "unknown method"),
        ("Host=a*.b", "host pattern"),
        ("Header=", "needs header"),
        ("Header=X,(", "the expression '('"),
        ("Cookie=a", "needs regexp"),
        ("RemoteAddr=home", "not a network"),
        ("After=yesterday", "not a time"),
        ("Between=2220-01-20T17:42:47Z,2020-01-20T17:42:47Z", "must be before"),
        ("Weight=g,0", "a weight above 0"),
        ("Weight=g", "a weight above 0"),
    ] {
        let mistake = parse(text).unwrap_err();
        assert!(mistake.contains(part), "{text}: {mistake}");
    }
}

#[test]
fn every_name_is_that_of_a_predicate() {
    for name in NAMES {
        assert!(!parse(name).unwrap_err().contains("unknown"), "{name}");
    }
}
