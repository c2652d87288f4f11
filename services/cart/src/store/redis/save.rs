//! One attempt at a command: read the cart with all that the command depends on, decide, and save by one script, which
//! refuses if something that was read has changed.

use std::{collections::HashMap, time::Duration};

use souk_bus::Cause;
use souk_events::Envelope;
use souk_sql::SqlError;
use souk_values::{IdGen, ProductId, UserId};

use super::{RedisCartStore, damaged, index::DueAt, json, purchases, scripts, wishlists::StoredWish};
use crate::{
    cart::{Applied, Cart, CartCommand, Contents, Effects, OrderProgress, OrderStage, Refusal},
    store::{CommandContext, Executed, ORDERS_KNOWN_FOR, StoreError},
};

/// Time between a cart's last expiry and that of its key, which removes a cart that nothing else has removed.
const SAFETY_MARGIN: Duration = Duration::from_secs(86_400);

/// A cart with everything else that a command depends on, read in one transaction.
struct Snapshot {
    cart: Cart,
    /// Number of the save that wrote the cart; empty when there is no cart.
    stamp: String,
    /// Score of the cart in the index; `None` when the cart is not in it.
    due: Option<DueAt>,
    /// True when the inbox contains the command's cause.
    is_duplicate: bool,
    progress: Option<OrderProgress>,
    wish: Option<StoredWish>,
    /// The purchased items that the command concerns, by product, as they are stored.
    purchases: HashMap<ProductId, String>,
}

/// Fields of the cart, its score in the index, that of its cause in the inbox, the progress of an order, a wish.
type SnapshotReply =
    ((Option<i64>, Option<String>, Option<String>), Option<DueAt>, Option<String>, Option<String>, Option<String>);

fn inbox_entry(cause: Cause) -> String {
    format!("{}|{}", cause.queue, cause.event_id)
}

impl RedisCartStore {
    /// Decides and saves `command`. Returns `None` when something changed between reading and saving.
    pub(super) async fn try_execute(
        &self,
        user: UserId,
        command: &CartCommand,
        context: &CommandContext,
    ) -> Result<Option<Executed>, StoreError> {
        let snapshot = self.read_snapshot(user, command, context.cause).await?;
        // Only a shortcut: the script checks the inbox again, because a replica may be applying the same event.
        if snapshot.is_duplicate {
            return Ok(Some(Executed { cart: snapshot.cart, effects: Effects::default(), is_applied: false }));
        }
        if command.wished_product().is_some() && snapshot.wish.is_none() {
            return Err(Refusal::NotWished.into());
        }
        let known = snapshot.progress;
        let applied = snapshot.cart.clone().apply(command, known, context.now, &context.lifetimes)?;
        let cart = &applied.cart;
        let is_applied = applied.is_changed || applied.progress != known;
        let envelopes = applied.effects.envelopes(cart, &context.stamper)?;
        // The score is wrong when the key's own expiry removed the cart, or when other lifetimes were configured.
        let expected_due = (!cart.is_empty()).then(|| DueAt(cart.due_at(&context.lifetimes)));
        if (is_applied || snapshot.due != expected_due || context.cause.is_some())
            && !self.save(command, context, &snapshot, &applied, &envelopes).await?
        {
            return Ok(None);
        }
        // The hint goes last: until the save succeeds the wish exists, and needs its hint to be found.
        if let (Some(product), Some(wish)) = (command.wished_product(), snapshot.wish) {
            self.remove_hint(product, user, wish.hint).await;
        }
        Ok(Some(Executed { cart: applied.cart, effects: applied.effects, is_applied }))
    }

    async fn read_snapshot(
        &self,
        user: UserId,
        command: &CartCommand,
        cause: Option<Cause>,
    ) -> Result<Snapshot, StoreError> {
        let keys = self.keys();
        let partition = keys.partition_of(user);
        let order = command.order_id().map_or_else(String::new, |order| order.to_string());
        let wished = command.wished_product().map_or_else(String::new, |product| product.to_string());
        let mut read = redis::pipe();
        read.atomic().cmd("HMGET").arg(keys.cart(user)).arg(&["version", "contents", "stamp"]);
        read.cmd("ZSCORE").arg(keys.due(partition)).arg(user.to_string());
        read.cmd("ZSCORE").arg(keys.inbox(partition)).arg(cause.map_or_else(String::new, inbox_entry));
        read.cmd("HGET").arg(keys.orders(user)).arg(order);
        read.cmd("HGET").arg(keys.wishes(user)).arg(wished);
        let ((version, contents, stamp), due, received, progress, wish): SnapshotReply =
            self.client.pipe(&read).await?;
        let cart = stored_cart(user, version, contents.as_deref())?;
        // Not in the transaction of the cart, but the script compares them with what is stored then.
        let purchases = self.concerned_purchases(user, &cart.concerned_purchases(command)).await?;
        let items = purchases.values().map(|text| purchases::decode(text, user)).collect::<Result<_, _>>()?;
        Ok(Snapshot {
            cart: cart.with_purchases(items),
            purchases,
            stamp: stamp.unwrap_or_default(),
            due,
            is_duplicate: received.is_some(),
            progress: progress.map(|progress| decode_progress(&progress, user)).transpose()?,
            wish: wish.map(|wish| StoredWish::decode(&wish, user)).transpose()?,
        })
    }

    /// Runs the script. Returns false when something changed since the snapshot was read.
    async fn save(
        &self,
        command: &CartCommand,
        context: &CommandContext,
        snapshot: &Snapshot,
        applied: &Applied,
        envelopes: &[Envelope],
    ) -> Result<bool, StoreError> {
        let CommandContext { now, lifetimes, cause, .. } = context;
        let cart = &applied.cart;
        let user = cart.user_id();
        let progress = applied.progress.filter(|progress| Some(*progress) != snapshot.progress);
        let keys = self.keys();
        let partition = keys.partition_of(user);
        let mut script = scripts::SAVE_CART.prepare_invoke();
        for key in [
            keys.cart(user),
            keys.due(partition),
            keys.active(partition),
            keys.outbox(partition),
            keys.inbox(partition),
            keys.orders(user),
            keys.wishes(user),
            keys.saves(partition),
            keys.purchased(user),
            keys.bought(user),
        ] {
            script.key(key);
        }
        let key_expiry = cart.last_expiry().map(|last| last.plus(SAFETY_MARGIN).millis().to_string());
        script
            .arg(user.to_string())
            .arg(&snapshot.stamp)
            .arg(if cart.is_empty() { "drop" } else { "keep" })
            .arg(cart.version())
            .arg(json(cart.contents())?)
            .arg(DueAt(cart.due_at(lifetimes)).score())
            .arg(u8::from(cart.active_items().next().is_some()))
            .arg(key_expiry.unwrap_or_default())
            .arg(cause.map_or_else(String::new, inbox_entry))
            .arg(now.millis())
            .arg(command.order_id().map_or_else(String::new, |order| order.to_string()))
            .arg(snapshot.progress.map_or_else(String::new, encode_progress))
            .arg(progress.map_or_else(String::new, encode_progress))
            .arg(command.wished_product().map_or_else(String::new, |product| product.to_string()))
            .arg(snapshot.wish.map_or_else(String::new, StoredWish::encode))
            .arg(IdGen::before(now.minus(ORDERS_KNOWN_FOR)))
            .arg(now.plus(ORDERS_KNOWN_FOR).millis());
        let changes = purchases::changes(&snapshot.purchases, cart.purchases())?;
        script.arg(changes.len());
        for purchases::PurchaseChange { product, before, after, bought_at } in &changes {
            script.arg(purchases::field(*product)).arg(before).arg(after).arg(bought_at);
        }
        for envelope in envelopes {
            script.arg(json(envelope)?);
        }
        let is_saved: bool = self.client.run(&script).await?;
        if is_saved && !envelopes.is_empty() {
            self.written.notify_one();
        }
        Ok(is_saved)
    }
}

/// Restores a cart from the fields of its hash, an empty one when there is no hash.
pub(super) fn stored_cart(user: UserId, version: Option<i64>, contents: Option<&str>) -> Result<Cart, SqlError> {
    let (Some(version), Some(contents)) = (version, contents) else { return Ok(Cart::empty(user)) };
    let contents: Contents =
        serde_json::from_str(contents).map_err(|error| damaged(&format!("the cart of user {user}"), &error))?;
    Ok(Cart::from_stored(user, version, contents))
}

fn encode_progress(progress: OrderProgress) -> String {
    let stage = match progress.stage {
        OrderStage::Placed => "placed",
        OrderStage::Paid => "paid",
        OrderStage::Cancelled => "cancelled",
    };
    format!("{}:{stage}", progress.version)
}

fn decode_progress(text: &str, user: UserId) -> Result<OrderProgress, SqlError> {
    let wrong = || damaged(&format!("an order of user {user}"), &text);
    let (version, stage) = text.split_once(':').ok_or_else(wrong)?;
    let stage = match stage {
        "placed" => OrderStage::Placed,
        "paid" => OrderStage::Paid,
        "cancelled" => OrderStage::Cancelled,
        _ => return Err(wrong()),
    };
    Ok(OrderProgress { version: version.parse().map_err(|_| wrong())?, stage })
}

#[cfg(test)]
mod tests {
    use souk_values::Id;

    use super::*;

    #[test]
    fn progress_is_read_as_it_was_written() {
        let user = UserId::new(7).unwrap();
        for stage in [OrderStage::Placed, OrderStage::Paid, OrderStage::Cancelled] {
            let progress = OrderProgress { version: 3, stage };
            assert_eq!(decode_progress(&encode_progress(progress), user).unwrap(), progress);
        }
        for text in ["", "3", "3:", "x:paid", "3:lost"] {
            let error = decode_progress(text, user).unwrap_err().to_string();
            assert!(error.contains("an order of user 7"), "{error}");
        }
    }
}
