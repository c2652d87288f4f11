//! Events as the other services publish them.

use souk_events::{
    CancelReason, CartAbandoned, CartCheckedOut, CartExpired, CartLine, OrderCancelled, OrderConfirmed, OrderCreated,
    OrderDelivered, OrderFacts, OrderLine, OrderPaid, OrderShipped, PasswordResetRequested, PaymentFailed,
    PaymentRefundFailed, PaymentRefunded, PaymentTerms, RefusedLine, ShippingAddress, StockLow, UserChanged,
    UserEmailChanged, UserPasswordChanged, UserRegistered, WishlistBackInStock, WishlistPriceDropped,
};
use souk_values::{Currency, Money, OrderId, ProductId, Timestamp, UserId, ids::Id};

pub const EMAIL: &str = "ada@example.org";

pub fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn user(number: i64) -> UserId {
    UserId::new(number).unwrap()
}

pub fn order_id(number: i64) -> OrderId {
    OrderId::new(number).unwrap()
}

pub fn kettle() -> ProductId {
    ProductId::new(101).unwrap()
}

pub fn registered(user_id: UserId, email: &str, role: &str) -> UserRegistered {
    UserRegistered {
        user_id,
        username: "Ada".into(),
        email: email.into(),
        role: role.into(),
        language: Some("en".into()),
        version: 1,
    }
}

pub fn changed(user_id: UserId, email: &str, version: i64) -> UserChanged {
    UserChanged {
        user_id,
        username: "Ada B.".into(),
        email: email.into(),
        role: "customer".into(),
        locked: false,
        language: Some("en".into()),
        version,
    }
}

pub fn email_changed(user_id: UserId, old: &str, new: &str) -> UserEmailChanged {
    UserEmailChanged {
        user_id,
        username: "Ada".into(),
        old_email: old.into(),
        new_email: new.into(),
        changed_at: at("2026-01-31T12:10:00.000Z"),
        version: 2,
    }
}

pub fn password_changed(user_id: UserId, email: &str) -> UserPasswordChanged {
    UserPasswordChanged {
        user_id,
        username: "Ada".into(),
        email: email.into(),
        changed_at: at("2026-01-31T12:10:00.000Z"),
        version: 3,
    }
}

pub fn reset(user_id: UserId, token: &str, expires_at: Timestamp) -> PasswordResetRequested {
    PasswordResetRequested {
        user_id,
        username: "Ada".into(),
        email: EMAIL.into(),
        token: token.into(),
        expires_at,
        language: Some("en".into()),
        version: 3,
    }
}

pub fn order(user_id: UserId, number: i64, version: i64) -> OrderFacts {
    let line = |number: i64, product_id, name: &str, quantity, minor| OrderLine {
        order_item_id: Id::new(number).unwrap(),
        product_id,
        name: name.into(),
        quantity,
        price: euro(minor),
        cart_item_id: None,
    };
    OrderFacts {
        order_id: order_id(number),
        user_id,
        order_date: at("2026-01-31T12:00:00.000Z"),
        total_amount: euro(6_448),
        items: vec![
            line(1, kettle(), "Enamel kettle, 1.5 l", 2, 1_999),
            line(2, ProductId::new(102).unwrap(), "Café “Größe” cup & saucer", 1, 2_450),
        ],
        shipping_address: ShippingAddress {
            name: "Ada Byron".into(),
            line1: "12 Analytical Row".into(),
            line2: None,
            city: "Lyon".into(),
            postal_code: Some("69001".into()),
            country: "FR".into(),
            phone: None,
        },
        payment_terms: PaymentTerms::Prepaid,
        pay_by: (version > 1).then(|| at("2026-01-31T12:30:00.000Z")),
        version,
    }
}

pub fn created(order: OrderFacts) -> OrderCreated {
    OrderCreated { order }
}

pub fn confirmed(order: OrderFacts) -> OrderConfirmed {
    OrderConfirmed { order }
}

pub fn cancelled(order: OrderFacts) -> OrderCancelled {
    let refused_lines = vec![RefusedLine { product_id: kettle(), requested: 2, available: 1 }];
    OrderCancelled { order, reason: CancelReason::OutOfStock, refused_lines }
}

pub fn paid(order: OrderFacts) -> OrderPaid {
    OrderPaid { order, paid_at: at("2026-01-31T12:10:00.000Z") }
}

pub fn shipped(order: OrderFacts) -> OrderShipped {
    OrderShipped {
        order,
        carrier: "Parcel Post".into(),
        tracking_number: "PP 123 FR".into(),
        shipped_at: at("2026-02-01T09:00:00.000Z"),
    }
}

pub fn delivered(order: OrderFacts) -> OrderDelivered {
    OrderDelivered { order, delivered_at: at("2026-02-03T10:00:00.000Z") }
}

pub fn payment_failed(user_id: UserId, number: i64) -> PaymentFailed {
    PaymentFailed {
        payment_id: Id::new(7_001).unwrap(),
        order_id: order_id(number),
        user_id,
        amount: euro(6_448),
        failure_code: "card_declined".into(),
        version: 2,
    }
}

pub fn refund_failed(user_id: UserId, number: i64, had_succeeded: bool) -> PaymentRefundFailed {
    PaymentRefundFailed {
        payment_id: Id::new(7_002).unwrap(),
        refund_id: Id::new(8_001).unwrap(),
        order_id: order_id(number),
        user_id,
        amount: euro(1_000),
        refunded_amount: euro(0),
        had_succeeded,
        failed_at: at("2026-02-05T10:00:00.000Z"),
        version: 4,
    }
}

pub fn refunded(user_id: UserId, number: i64) -> PaymentRefunded {
    PaymentRefunded {
        payment_id: Id::new(7_002).unwrap(),
        refund_id: Id::new(8_001).unwrap(),
        order_id: order_id(number),
        user_id,
        amount: euro(1_000),
        refunded_amount: euro(1_000),
        in_full: false,
        refunded_at: at("2026-02-02T10:00:00.000Z"),
        version: 3,
    }
}

fn lines() -> Vec<CartLine> {
    let line = |name: Option<&str>| CartLine {
        cart_item_id: "0194bd5b-6a00-7000-8000-000000000001".into(),
        product_id: kettle(),
        name: name.map(Into::into),
        quantity: 2,
    };
    vec![line(Some("Enamel kettle, 1.5 l")), line(None)]
}

pub fn abandoned(user_id: UserId, expires_at: Timestamp) -> CartAbandoned {
    CartAbandoned { user_id, lines: lines(), expires_at, version: 6 }
}

pub fn checked_out(user_id: UserId) -> CartCheckedOut {
    CartCheckedOut { user_id, order_id: order_id(42), lines: lines(), version: 7 }
}

pub fn cart_expired(user_id: UserId) -> CartExpired {
    CartExpired { user_id, lines: lines(), version: 8 }
}

pub fn back_in_stock(user_id: UserId, revision: i64) -> WishlistBackInStock {
    WishlistBackInStock {
        user_id,
        product_id: kettle(),
        name: "Enamel kettle, 1.5 l".into(),
        price: euro(1_999),
        revision,
    }
}

pub fn price_dropped(user_id: UserId, revision: i64) -> WishlistPriceDropped {
    WishlistPriceDropped {
        user_id,
        product_id: kettle(),
        name: "Enamel kettle, 1.5 l".into(),
        old_price: euro(2_499),
        new_price: euro(1_999),
        revision,
    }
}

pub fn stock_low(revision: i64) -> StockLow {
    StockLow {
        product_id: kettle(),
        sku: "KIT-COOK-0001".into(),
        name: "Enamel kettle, 1.5 l".into(),
        stock: 4,
        low_stock_at: 5,
        revision,
    }
}
