//! Classification of the errors of SQL Server and its driver.

use souk_sql::SqlError;
use tiberius::error::Error;

pub(super) fn classify(error: &Error) -> SqlError {
    match error {
        Error::Server(error) => classify_number(error.code(), error.message()),
        // A broken protocol stream says nothing about the statement, only that the connection is unusable.
        Error::Io { .. } | Error::Tls(_) | Error::Routing { .. } | Error::Protocol(_) => {
            SqlError::Unavailable(error.to_string())
        }
        // Of the driver: a value of a type that it cannot convert or encode.
        _ => SqlError::Failed(error.to_string()),
    }
}

/// Classifies an error by its number, as in "Database Engine events and errors".
fn classify_number(number: u32, text: &str) -> SqlError {
    let message = format!("{text} (error {number})");
    match number {
        // A unique index, a unique or primary key constraint; the text names it.
        2601 | 2627 => SqlError::Unique(message),
        // CHECK or foreign key; NULL; a text longer than its column (2628, before it 8152); overflow of a number (220, 8115)
        // and values that cannot be converted.
        547 | 515 | 2628 | 8152 | 220 | 241 | 242 | 245 | 8114 | 8115 => SqlError::Constraint(message),
        // Deadlock; lock timeout; an update conflict of SNAPSHOT; a table altered under SNAPSHOT.
        1205 | 1222 | 3960 | 3961 => SqlError::Busy(message),
        // Every other refusal has nothing to do with the data, as in `souk_sql`.
        _ => SqlError::Unavailable(message),
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn numbers_are_classified_as_the_reference_documents() {
        let text = "Cannot insert duplicate key row in object 'dbo.payment' with unique index 'uq_payment_active_order'. \
                    The duplicate key value is (1).";
        assert!(classify_number(2601, text).is_unique("uq_payment_active_order"));
        let text = "Violation of PRIMARY KEY constraint 'pk_inbox_event'. Cannot insert duplicate key in object 'dbo.inbox_event'.";
        assert!(classify_number(2627, text).is_unique("pk_inbox_event"));
        for number in [547, 515, 2628, 8152, 8115, 245] {
            assert!(matches!(classify_number(number, ""), SqlError::Constraint(_)), "{number}");
        }
        for number in [1205, 1222, 3960, 3961] {
            assert!(matches!(classify_number(number, ""), SqlError::Busy(_)), "{number}");
        }
        // 1105 and 9002: the file or the log is full; 823: the disk; 701: memory.
        for number in [40613, 4060, 18456, 3906, 1105, 9002, 823, 701, 99_999] {
            assert!(matches!(classify_number(number, ""), SqlError::Unavailable(_)), "{number}");
        }
        // Syntax, an unknown column, a missing permission: not the fault of a message, so an operator has to act.
        for number in [102, 207, 208, 229, 1934, 334] {
            assert!(classify_number(number, "").is_transient(), "{number}");
        }
    }

    #[test]
    fn a_lost_connection_is_not_blamed_on_the_statement() {
        let lost = Error::Io { kind: ErrorKind::ConnectionReset, message: "reset".to_owned() };
        assert!(matches!(classify(&lost), SqlError::Unavailable(_)));
        assert!(matches!(classify(&Error::Tls("x".to_owned())), SqlError::Unavailable(_)));
        assert!(matches!(classify(&Error::Protocol("x".into())), SqlError::Unavailable(_)));
        assert!(matches!(classify(&Error::Conversion("x".into())), SqlError::Failed(_)));
    }
}
