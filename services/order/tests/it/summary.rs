//! The summary by day: in the shop's time zone, around midnight, and where the clocks change.
//!
//! The year is 2040, because the clock of a test only goes forward.

use souk_testkit::World;

use crate::rig::Rig;

async fn rig(zone: &str) -> Rig {
    let mut world = World::new().await;
    world.deps.shop.time_zone = zone.parse().unwrap();
    Rig::within(world).await
}

/// Returns the days of the summary with the numbers of orders that were placed on them.
async fn placed_by_day(rig: &Rig, days: u32) -> Vec<(String, u64)> {
    let summary = rig.admin.get(&format!("/orders/summary?days={days}")).await.expect(200).json;
    let zone = rig.world.deps.shop.time_zone.zone();
    assert_eq!(summary["timeZone"], zone);
    let days = summary["days"].as_array().unwrap().iter();
    let days: Vec<_> =
        days.map(|day| (day["date"].as_str().unwrap().to_owned(), day["created"].as_u64().unwrap())).collect();
    assert_eq!(summary["total"]["created"], days.iter().map(|(_, created)| created).sum::<u64>());
    days
}

fn days<const N: usize>(expected: [(&str, u64); N]) -> Vec<(String, u64)> {
    expected.map(|(day, created)| (day.to_owned(), created)).into()
}

#[tokio::test]
async fn a_day_ends_at_midnight_of_the_zone() {
    for (zone, before, after, expected) in [
        (
            "Europe/Berlin",
            "2040-01-31T22:59:30Z",
            "2040-01-31T23:00:01Z",
            [("2040-01-30", 0), ("2040-01-31", 1), ("2040-02-01", 1)],
        ),
        (
            "Pacific/Auckland",
            "2040-01-31T10:59:30Z",
            "2040-01-31T11:00:01Z",
            [("2040-01-30", 0), ("2040-01-31", 1), ("2040-02-01", 1)],
        ),
        (
            "Asia/Kolkata",
            "2040-01-31T18:29:30Z",
            "2040-01-31T18:30:01Z",
            [("2040-01-30", 0), ("2040-01-31", 1), ("2040-02-01", 1)],
        ),
        (
            "UTC",
            "2040-01-31T23:59:30Z",
            "2040-02-01T00:00:01Z",
            [("2040-01-30", 0), ("2040-01-31", 1), ("2040-02-01", 1)],
        ),
    ] {
        let mut rig = rig(zone).await;
        rig.travel(before);
        rig.placed("prepaid").await;
        rig.travel(after);
        rig.placed("prepaid").await;
        assert_eq!(placed_by_day(&rig, 3).await, days(expected), "{zone}");
        assert_eq!(placed_by_day(&rig, 1).await, days([("2040-02-01", 1)]), "{zone}");
    }
}

#[tokio::test]
async fn a_day_of_23_hours_and_one_of_25_have_their_orders() {
    // Berlin's clocks go from 02:00 to 03:00 on 25 March, Auckland's from 03:00 to 02:00 on 1 April.
    for (zone, instants, expected) in [
        (
            "Europe/Berlin",
            [
                "2040-03-24T22:59:30Z",
                "2040-03-24T23:00:01Z",
                "2040-03-25T00:59:30Z",
                "2040-03-25T01:00:01Z",
                "2040-03-25T21:59:30Z",
                "2040-03-25T22:00:01Z",
            ],
            [("2040-03-24", 1), ("2040-03-25", 4), ("2040-03-26", 1)],
        ),
        (
            "Pacific/Auckland",
            [
                "2040-03-31T10:59:30Z",
                "2040-03-31T11:00:01Z",
                "2040-03-31T13:59:30Z",
                "2040-03-31T14:00:01Z",
                "2040-04-01T11:59:30Z",
                "2040-04-01T12:00:01Z",
            ],
            [("2040-03-31", 1), ("2040-04-01", 4), ("2040-04-02", 1)],
        ),
    ] {
        let mut rig = rig(zone).await;
        for instant in instants {
            rig.travel(instant);
            rig.placed("prepaid").await;
        }
        assert_eq!(placed_by_day(&rig, 3).await, days(expected), "{zone}");
        // The whole year is more than one period of a constant offset.
        let year = placed_by_day(&rig, 366).await;
        assert_eq!(year.iter().map(|(_, created)| created).sum::<u64>(), 6, "{zone}");
        assert_eq!(year[363..], days(expected), "{zone}");
    }
}

#[tokio::test]
async fn another_zone_regroups_the_past() {
    let mut rig = rig("Europe/Berlin").await;
    rig.travel("2040-01-31T22:59:30Z");
    rig.placed("prepaid").await;
    rig.travel("2040-01-31T23:00:01Z");
    rig.placed("prepaid").await;
    assert_eq!(placed_by_day(&rig, 2).await, days([("2040-01-31", 1), ("2040-02-01", 1)]));
    rig.world.deps.shop.time_zone = "UTC".parse().unwrap();
    let rig = rig.restarted(async |_| {}).await;
    assert_eq!(placed_by_day(&rig, 2).await, days([("2040-01-30", 0), ("2040-01-31", 2)]));
}
