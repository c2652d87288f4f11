//! The rendered pages, also with hostile names and links.

use std::time::Duration;

use super::*;

const EVIL: &str = "<script>alert('x')</script>\"";

fn at(seconds_ago: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).minus(Duration::from_secs(seconds_ago))
}

fn instance(app: &str, id: &str) -> InstanceSummary {
    InstanceSummary {
        app: app.to_owned(),
        instance_id: id.to_owned(),
        host_name: "shop-1".to_owned(),
        status: InstanceStatus::Up,
        overridden_status: InstanceStatus::Unknown,
        status_page_url: None,
        registered_at: at(7_500),
        renewed_at: at(12),
        expires_at: at(0).plus(Duration::from_secs(78)),
    }
}

fn overview(instances: Vec<InstanceSummary>) -> Overview {
    Overview {
        now: at(0),
        started_at: at(200_000),
        instances,
        renews_last_minute: 3,
        renews_threshold: 10,
        self_preservation: SelfPreservation::Watching,
        peers: Vec::new(),
        recently_registered: Vec::new(),
        recently_cancelled: Vec::new(),
    }
}

#[test]
fn the_page_shows_instances_by_application() {
    let mut down = instance("CART", "cart-2");
    down.status = InstanceStatus::OutOfService;
    down.overridden_status = InstanceStatus::OutOfService;
    down.expires_at = at(5);
    let page = render(&overview(vec![instance("CART", "cart-1"), down, instance("ORDER", "order-1")]));
    for expected in [
        "<title>2 of 3 up · souk discovery</title>",
        "<h3>CART</h3><span class=\"soft\">1 of 2 up</span>",
        "<h3>ORDER</h3><span class=\"soft\">1 of 1 up</span>",
        "<span class=\"badge UP\">UP</span>",
        "<span class=\"badge OUT_OF_SERVICE\">OUT_OF_SERVICE</span> <span class=\"soft\">overridden: OUT_OF_SERVICE",
        ">12 s ago</time>",
        ">78 s left</td>",
        "class=\"expired\">expired 5 s ago</td>",
        ">2 h 5 min ago</time>",
        "running for 2 d 7 h",
        "<dd>3<small>more than 10 are needed to evict",
        "http-equiv=\"refresh\" content=\"10\"",
        "this registry has no peers",
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
    assert!(!page.contains("Self-preservation is"), "there is nothing to explain");
}

#[test]
fn self_preservation_is_explained_when_it_matters() {
    let mut overview = overview(Vec::new());
    overview.self_preservation = SelfPreservation::Active;
    let page = render(&overview);
    assert!(page.contains("Self-preservation is active") && page.contains("no instance is evicted"), "{page}");
    assert!(page.contains("3 heartbeats arrived") && page.contains("No instance is registered"), "{page}");
    overview.self_preservation = SelfPreservation::Off;
    assert!(render(&overview).contains("Self-preservation is off"));
}

#[test]
fn peers_are_shown_with_their_reachability() {
    let mut overview = overview(Vec::new());
    overview.peers = [Some(true), Some(false), None]
        .into_iter()
        .map(|is_reachable| PeerSummary { url: "http://two:8761/eureka".to_owned(), is_reachable, queued: 4 })
        .collect();
    let page = render(&overview);
    for expected in ["UP\">reachable<", "DOWN\">not reachable<", "UNKNOWN\">not called yet<", "two:8761", ">4</td>"] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
}

#[test]
fn values_of_instances_are_escaped() {
    let mut evil = instance(EVIL, EVIL);
    evil.host_name = EVIL.to_owned();
    evil.status_page_url = Some(format!("http://x/\"onmouseover=\"a()?{EVIL}"));
    let mut overview = overview(vec![evil]);
    overview.peers = vec![PeerSummary { url: EVIL.to_owned(), is_reachable: None, queued: 0 }];
    let entry = RecentEntry { at: at(1), app: EVIL.to_owned(), instance_id: EVIL.to_owned() };
    overview.recently_registered = vec![entry.clone()];
    overview.recently_cancelled = vec![entry];
    for page in [render(&overview), render_last(&overview)] {
        assert!(!page.contains("<script") && !page.contains("x')</"), "{page}");
        assert!(!page.contains("\"onmouseover"), "{page}");
        assert!(page.contains("&lt;script&gt;"), "{page}");
    }
}

#[test]
fn only_http_urls_become_links() {
    for not_a_page in [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>",
        "file:///etc/passwd",
        "//host/page",
        "/page",
        "",
    ] {
        assert_eq!(link(not_a_page), None, "{not_a_page}");
    }
    assert_eq!(link("HTTPS://shop-1/info?a=1&b=2").as_deref(), Some("https://shop-1/info?a=1&b=2"));
    let mut linked = instance("CART", "cart-1");
    linked.status_page_url = Some("http://shop-1/info".to_owned());
    assert!(render(&overview(vec![linked.clone()])).contains("href=\"http:&#x2f;&#x2f;shop-1&#x2f;info\""));
    linked.status_page_url = Some("javascript:alert(1)".to_owned());
    assert!(!render(&overview(vec![linked])).contains("javascript"));
}

#[test]
fn the_page_loads_nothing_from_other_hosts() {
    let page = render(&overview(vec![instance("CART", "cart-1")]));
    assert!(!page.contains("src=") && !page.contains("url(") && !page.contains("@import"), "{page}");
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
}

#[test]
fn recent_cancellations_are_listed() {
    let mut overview = overview(Vec::new());
    assert!(render_last(&overview).contains("No instance was cancelled or evicted yet."));
    let entry = RecentEntry { at: at(300), app: "CART".to_owned(), instance_id: "cart-1".to_owned() };
    overview.recently_cancelled = vec![entry];
    let page = render_last(&overview);
    assert!(page.contains(">5 min ago</time>") && page.contains("cart-1"), "{page}");
    assert!(!page.contains("http-equiv"), "a list that is being read does not refresh");
}

#[test]
fn durations_have_at_most_two_units() {
    let spans = [0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(span);
    assert_eq!(spans, ["0 s", "119 s", "2 min", "119 min", "2 h 0 min", "47 h 59 min", "2 d 0 h"]);
    assert_eq!(ago(Timestamp::EPOCH, at(0)), "never");
    assert_eq!(ago(at(0).plus(Duration::from_secs(9)), at(0)), "just now", "a peer's clock may be ahead");
}
