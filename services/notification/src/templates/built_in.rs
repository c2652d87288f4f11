//! The built-in templates. Without a file for a kind in one of the languages, this does not compile.

use souk_values::Language;

use crate::kind::Kind;

/// Sources of a kind's templates in one language.
pub(super) struct Sources {
    pub subject: &'static str,
    pub notice: &'static str,
    /// `None` for a kind that is not mailed.
    pub mail: Option<MailSources>,
}

pub(super) struct MailSources {
    pub txt: &'static str,
    pub html: &'static str,
}

/// Layout of the HTML of all languages, which their own layouts extend.
pub(super) const SHARED: (&str, &str) = ("base.html", include_str!("../../templates/base.html"));

pub(super) const SAMPLES: (&str, &str) = ("samples.json", include_str!("../../templates/samples.json"));

macro_rules! source {
    ($folder:literal, $name:literal, $suffix:literal) => {
        include_str!(concat!("../../templates/", $folder, $name, ".", $suffix))
    };
}

macro_rules! shown {
    ($folder:literal, $name:literal, $mail:expr) => {
        Sources { subject: source!($folder, $name, "subject"), notice: source!($folder, $name, "notice"), mail: $mail }
    };
}

macro_rules! mailed {
    ($folder:literal, $name:literal) => {{
        let mail = MailSources { txt: source!($folder, $name, "txt"), html: source!($folder, $name, "html") };
        shown!($folder, $name, Some(mail))
    }};
}

macro_rules! of_kind {
    ($folder:literal, $kind:expr) => {
        match $kind {
            Kind::Welcome => mailed!($folder, "welcome"),
            Kind::PasswordReset => mailed!($folder, "password_reset"),
            Kind::PasswordChanged => mailed!($folder, "password_changed"),
            Kind::EmailChanged => mailed!($folder, "email_changed"),
            Kind::OrderReceived => mailed!($folder, "order_received"),
            Kind::OrderConfirmed => mailed!($folder, "order_confirmed"),
            Kind::OrderCancelled => mailed!($folder, "order_cancelled"),
            Kind::OrderPaid => mailed!($folder, "order_paid"),
            Kind::OrderShipped => mailed!($folder, "order_shipped"),
            Kind::OrderDelivered => shown!($folder, "order_delivered", None),
            Kind::PaymentFailed => mailed!($folder, "payment_failed"),
            Kind::PaymentRefunded => mailed!($folder, "payment_refunded"),
            Kind::RefundReturned => mailed!($folder, "refund_returned"),
            Kind::RefundFailed => mailed!($folder, "refund_failed"),
            Kind::CartReminder => mailed!($folder, "cart_reminder"),
            Kind::BackInStock => mailed!($folder, "back_in_stock"),
            Kind::PriceDropped => mailed!($folder, "price_dropped"),
            Kind::StockLow => mailed!($folder, "stock_low"),
        }
    };
}

macro_rules! parts {
    ($folder:literal) => {
        [
            ("layout.html", source!($folder, "layout", "html")),
            ("layout.txt", source!($folder, "layout", "txt")),
            ("_order.html", source!($folder, "_order", "html")),
            ("_order.txt", source!($folder, "_order", "txt")),
            ("_failure.txt", source!($folder, "_failure", "txt")),
            ("_reason.txt", source!($folder, "_reason", "txt")),
        ]
    };
}

/// Returns the templates of a kind.
pub(super) fn sources(language: Language, kind: Kind) -> Sources {
    match language {
        Language::English => of_kind!("", kind),
        Language::German => of_kind!("de/", kind),
    }
}

/// Returns layouts and includes, by name.
pub(super) fn parts(language: Language) -> [(&'static str, &'static str); 6] {
    match language {
        Language::English => parts!(""),
        Language::German => parts!("de/"),
    }
}

/// Returns the folder of a language's templates below the folder of all.
pub(super) fn folder(language: Language) -> &'static str {
    match language {
        Language::English => "",
        Language::German => "de",
    }
}
