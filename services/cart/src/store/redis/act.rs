//! One act on one cart: read, decide, save if nothing has changed meanwhile, else read and decide again.

use std::time::Duration;

use souk_events::Envelope;
use souk_sql::SqlError;
use souk_values::{OrderId, ProductId, UserId};

use super::{RedisCartStore, damaged, due::DueAt, json, scripts, wishes::KeptWish};
use crate::{
    cart::{Act, After, Cart, Contents, Effects, OrderMark, Refusal, Stage},
    store::{Cause, Done, Occasion, StoreError},
};

/// How long after its latest item a key goes by itself, should nothing else have removed it.
const SAFETY_NET: Duration = Duration::from_secs(86_400);

/// A cart, and all else that an act is decided on.
struct Seen {
    cart: Cart,
    /// Of the save that was read; empty when there is no cart.
    stamp: String,
    /// What the index says of the cart; `None` when it is not in it.
    due: Option<DueAt>,
    is_known_cause: bool,
    mark: Option<OrderMark>,
    wish: Option<KeptWish>,
}

/// The fields of a cart, its place in the index, its mark in the inbox, what is known of an order, a wish.
type Answer =
    ((Option<i64>, Option<String>, Option<String>), Option<DueAt>, Option<String>, Option<String>, Option<String>);

/// What is to be saved.
struct Save<'a> {
    seen: &'a Seen,
    cart: &'a Cart,
    mark: Option<OrderMark>,
    order: Option<OrderId>,
    wished: Option<ProductId>,
    envelopes: &'a [Envelope],
    occasion: &'a Occasion,
}

fn inbox_mark(cause: Cause) -> String {
    format!("{}|{}", cause.queue, cause.event_id)
}

impl RedisCartStore {
    /// The cart of `user` as it is kept, with the stamp of its last save.
    pub(super) async fn kept_cart(&self, user: UserId) -> Result<Cart, StoreError> {
        let mut read = redis::cmd("HMGET");
        read.arg(self.keys().cart(user)).arg("version").arg("contents");
        let (version, contents): (Option<i64>, Option<String>) = self.link.query(&read).await?;
        Ok(kept(user, version, contents.as_deref())?)
    }

    /// Decides and saves `act`, once, unless something has changed meanwhile: then `None`.
    pub(super) async fn try_act(
        &self,
        user: UserId,
        act: &Act,
        occasion: &Occasion,
    ) -> Result<Option<Done>, StoreError> {
        let seen = self.see(user, act, occasion.cause).await?;
        if seen.is_known_cause {
            return Ok(Some(Done { cart: seen.cart, effects: Effects::default(), is_applied: false }));
        }
        if act.wished().is_some() && seen.wish.is_none() {
            return Err(Refusal::NotWished.into());
        }
        let After { cart, mark, effects, is_changed } =
            seen.cart.clone().after(act, seen.mark, occasion.now, &occasion.terms)?;
        let is_applied = is_changed || mark != seen.mark;
        let envelopes = effects.envelopes(&cart, &occasion.stamper)?;
        // The key's own expiry may have taken the cart, or the terms were configured anew.
        let expected = (!cart.is_empty()).then(|| DueAt(cart.due_at(&occasion.terms)));
        let is_index_right = seen.due == expected;
        if is_applied || !is_index_right || occasion.cause.is_some() {
            let new_mark = if mark == seen.mark { None } else { mark };
            let save = Save {
                seen: &seen,
                cart: &cart,
                mark: new_mark,
                order: act.order_id(),
                wished: act.wished(),
                envelopes: &envelopes,
                occasion,
            };
            if !self.save(user, &save).await? {
                return Ok(None);
            }
        }
        if let (Some(product), Some(wish)) = (act.wished(), seen.wish) {
            self.drop_hint(product, user, wish.hint).await;
        }
        Ok(Some(Done { cart, effects, is_applied }))
    }

    async fn see(&self, user: UserId, act: &Act, cause: Option<Cause>) -> Result<Seen, StoreError> {
        let keys = self.keys();
        let partition = keys.of_user(user);
        let order = act.order_id().map_or_else(String::new, |order| order.to_string());
        let wished = act.wished().map_or_else(String::new, |product| product.to_string());
        let mut read = redis::pipe();
        read.atomic()
            .cmd("HMGET")
            .arg(keys.cart(user))
            .arg("version")
            .arg("contents")
            .arg("stamp")
            .cmd("ZSCORE")
            .arg(keys.due(partition))
            .arg(user.to_string())
            .cmd("ZSCORE")
            .arg(keys.inbox(partition))
            .arg(cause.map_or_else(String::new, inbox_mark))
            .cmd("HGET")
            .arg(keys.orders(user))
            .arg(&order)
            .cmd("HGET")
            .arg(keys.wishes(user))
            .arg(&wished);
        let ((version, contents, stamp), due, received, mark, wish): Answer = self.link.pipe(&read).await?;
        Ok(Seen {
            cart: kept(user, version, contents.as_deref())?,
            stamp: stamp.unwrap_or_default(),
            due,
            is_known_cause: received.is_some(),
            mark: mark.map(|mark| read_mark(&mark, user)).transpose()?,
            wish: wish.map(|wish| KeptWish::read(&wish, user)).transpose()?,
        })
    }

    /// False: something has changed since it was read.
    async fn save(&self, user: UserId, save: &Save<'_>) -> Result<bool, StoreError> {
        let Save { seen, cart, mark, order, wished, envelopes, occasion } = save;
        let Occasion { now, terms, cause, .. } = occasion;
        let keys = self.keys();
        let partition = keys.of_user(user);
        let mut script = scripts::SAVE.prepare_invoke();
        for key in [
            keys.cart(user),
            keys.due(partition),
            keys.active(partition),
            keys.outbox(partition),
            keys.inbox(partition),
            keys.orders(user),
            keys.wishes(user),
            keys.saves(partition),
        ] {
            script.key(key);
        }
        script
            .arg(user.to_string())
            .arg(&seen.stamp)
            .arg(if cart.is_empty() { "drop" } else { "keep" })
            .arg(cart.version())
            .arg(json(cart.contents())?)
            .arg(DueAt(cart.due_at(terms)).score())
            .arg(u8::from(cart.active().next().is_some()))
            .arg(cart.over_at().map_or_else(String::new, |over| over.plus(SAFETY_NET).millis().to_string()))
            .arg(cause.map_or_else(String::new, inbox_mark))
            .arg(now.millis())
            .arg(order.map_or_else(String::new, |order| order.to_string()))
            .arg(seen.mark.map_or_else(String::new, written_mark))
            .arg(mark.map_or_else(String::new, written_mark))
            .arg(wished.map_or_else(String::new, |product| product.to_string()))
            .arg(seen.wish.map_or_else(String::new, KeptWish::written));
        for envelope in *envelopes {
            script.arg(json(envelope)?);
        }
        let is_saved: bool = self.link.run(&script).await?;
        if is_saved && !envelopes.is_empty() {
            self.written.notify_one();
        }
        Ok(is_saved)
    }
}

/// The cart that these fields are.
pub(super) fn kept(user: UserId, version: Option<i64>, contents: Option<&str>) -> Result<Cart, SqlError> {
    let (Some(version), Some(contents)) = (version, contents) else { return Ok(Cart::empty(user)) };
    let contents: Contents =
        serde_json::from_str(contents).map_err(|error| damaged(&format!("the cart of user {user}"), &error))?;
    Ok(Cart::kept(user, version, contents))
}

fn written_mark(mark: OrderMark) -> String {
    let stage = match mark.stage {
        Stage::Placed => "placed",
        Stage::Paid => "paid",
        Stage::Cancelled => "cancelled",
    };
    format!("{}:{stage}", mark.version)
}

fn read_mark(text: &str, user: UserId) -> Result<OrderMark, SqlError> {
    let wrong = || damaged(&format!("an order of user {user}"), &text);
    let (version, stage) = text.split_once(':').ok_or_else(wrong)?;
    let stage = match stage {
        "placed" => Stage::Placed,
        "paid" => Stage::Paid,
        "cancelled" => Stage::Cancelled,
        _ => return Err(wrong()),
    };
    Ok(OrderMark { version: version.parse().map_err(|_| wrong())?, stage })
}

#[cfg(test)]
mod tests {
    use souk_values::Id;

    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let user = UserId::new(7).unwrap();
        for stage in [Stage::Placed, Stage::Paid, Stage::Cancelled] {
            let mark = OrderMark { version: 3, stage };
            assert_eq!(read_mark(&written_mark(mark), user).unwrap(), mark);
        }
        for text in ["", "3", "3:", "x:paid", "3:lost"] {
            let error = read_mark(text, user).unwrap_err().to_string();
            assert!(error.contains("an order of user 7"), "{error}");
        }
    }
}
