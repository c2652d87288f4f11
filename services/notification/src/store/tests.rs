use std::time::Duration;

use futures::future::join_all;
use souk_values::{Clock, PageRequest, SystemClock, ids::Id as _};

use super::*;
use crate::{
    draft::MailDraft,
    kind::Kind,
    mail::MailStatus,
    message::{Freshness, MailAddress},
    templates::NoticeText,
    translated::Translated,
};

async fn store(folder: &tempfile::TempDir) -> NotificationStore {
    let ids = IdGen::new(Arc::new(SystemClock));
    let url = format!("sqlite:{}/notification.db", folder.path().display());
    NotificationStore::open(&url, ids, "localhost").await.unwrap()
}

fn effect(ids: &IdGen, now: Timestamp) -> EventEffect {
    let draft = Draft {
        shown: None,
        kind: Kind::OrderPaid,
        audience: Audience::User(UserId::new(5).unwrap()),
        freshness: Freshness::Always,
        texts: Translated::try_new(|_| {
            Ok::<_, SqlError>(NoticeText { title: "Welcome".to_owned(), body: "Hello".to_owned() })
        })
        .unwrap(),
        language: None,
        link: None,
        mail: Some(MailDraft {
            facts: "{}".to_owned(),
            address: Some(MailAddress { name: "Ada".to_owned(), email: "ada@example.org".to_owned() }),
            good_until: None,
        }),
    };
    let cause = Cause { queue: "notification.users", event_id: ids.uuid() };
    EventEffect { cause, now, contact: None, drafts: vec![draft] }
}

fn claim(token: &str, now: Timestamp) -> Claim {
    Claim { token: token.to_owned(), now, until: now.plus(Duration::from_secs(60)), limit: 100 }
}

#[tokio::test]
async fn a_mail_has_one_claim_until_its_lease_expires() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let now = SystemClock.now();
    for _ in 0..8 {
        store.record(effect(&store.ids, now)).await.unwrap();
    }
    // All read the due mails before the first of them writes.
    let claims = join_all((0..16).map(|token| {
        let store = store.clone();
        async move { store.claim_mails(claim(&token.to_string(), now)).await }
    }))
    .await;
    let claimed: Vec<(usize, Vec<OutgoingMail>)> =
        claims.into_iter().map(Result::unwrap).enumerate().filter(|(_, mails)| !mails.is_empty()).collect();
    assert_eq!(claimed.iter().map(|(_, mails)| mails.len()).sum::<usize>(), 8);
    assert!(store.claim_mails(claim("early", now)).await.unwrap().is_empty());

    let later = now.plus(Duration::from_secs(61));
    let again = store.claim_mails(claim("later", later)).await.unwrap();
    assert_eq!(again.len(), 8, "their claims may have died with their senders");
    let mut ids: Vec<&str> = again.iter().map(|mail| mail.message_id.as_str()).collect();
    let mut before: Vec<&str> =
        claimed.iter().flat_map(|(_, mails)| mails).map(|mail| mail.message_id.as_str()).collect();
    ids.sort_unstable();
    before.sort_unstable();
    assert_eq!(ids, before, "a retry carries the same Message-ID");

    // A claim whose lease expired settles nothing.
    let (late, mails) = &claimed[0];
    let outcomes = vec![(mails[0].mail_id, Delivery::Failed { error: "late".to_owned() })];
    store.settle_mails(late.to_string(), later, outcomes).await.unwrap();
    assert_eq!(store.mails(Some(MailStatus::Failed), PageRequest::default()).await.unwrap().total, 0);
    let outcomes = again.iter().map(|mail| (mail.mail_id, Delivery::Sent { subject: None })).collect();
    store.settle_mails("later".to_owned(), later, outcomes).await.unwrap();
    assert_eq!(store.mails(Some(MailStatus::Sent), PageRequest::default()).await.unwrap().total, 8);
    assert_eq!(store.mails_queued().await.unwrap(), 0);
}
