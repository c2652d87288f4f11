//! Classification of the errors of SQL Server and its driver.

use souk_sql::SqlError;
use tiberius::error::Error;

/// Lowest severity of a fault of the server: 17 lack of resources, 18 internal, 19 limits, 20 to 25 the connection is
/// closed ("Database Engine error severities").
const SERVER_FAULT: u8 = 17;

pub(super) fn classify(error: &Error) -> SqlError {
    match error {
        Error::Server(error) => classify_number(error.code(), error.class(), error.message()),
        // A broken protocol stream says nothing about the statement, only that the connection is unusable.
        Error::Io { .. } | Error::Tls(_) | Error::Routing { .. } | Error::Protocol(_) => {
            SqlError::Unavailable(error.to_string())
        }
        _ => SqlError::Failed(error.to_string()),
    }
}

/// Classifies an error by its number and severity, as in "Database Engine events and errors".
fn classify_number(number: u32, severity: u8, text: &str) -> SqlError {
    let message = format!("{text} (error {number})");
    match number {
        // A unique index, a unique or primary key constraint; the text names it.
        2601 | 2627 => SqlError::Unique(message),
        // CHECK or foreign key; NULL; a text longer than its column (2628, before it 8152).
        547 | 515 | 2628 | 8152 => SqlError::Constraint(message),
        // Deadlock; lock timeout; an update conflict of SNAPSHOT; a table altered under SNAPSHOT.
        1205 | 1222 | 3960 | 3961 => SqlError::Busy(message),
        _ if severity >= SERVER_FAULT || is_unavailable(number) => SqlError::Unavailable(message),
        _ => SqlError::Failed(message),
    }
}

/// True for errors of a lower severity that pass with time.
fn is_unavailable(number: u32) -> bool {
    matches!(
        number,
        // The database cannot be opened, is being recovered, suspect, offline, or in an availability group elsewhere.
        4060 | 921
            ..=927 | 942 | 945 | 976 | 978 | 979 | 983
        // Read-only database.
        | 3906 | 3908
        // Login refused for any reason, such as a database in single-user mode.
        | 18456 | 18401 | 18451 | 17142 | 17187 | 17806 | 17809
        // The server is shutting down.
        | 6005 | 6006
        // Azure SQL: reconfigured, busy, too many requests or sessions, moved, not currently available.
        | 40143 | 40166 | 40197 | 40501 | 40540 | 40544 | 40549 | 40550 | 40551 | 40552 | 40553 | 40613 | 40615
        | 10928 | 10929 | 10936 | 49918 | 49919 | 49920
        // Numbers of the transport (Winsock).
        | 64 | 121 | 233 | 10053 | 10054 | 10060
    )
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn numbers_are_classified_as_the_reference_documents() {
        let text = "Cannot insert duplicate key row in object 'dbo.payment' with unique index 'uq_payment_active_order'. \
                    The duplicate key value is (1).";
        assert!(classify_number(2601, 14, text).is_unique("uq_payment_active_order"));
        let text = "Violation of PRIMARY KEY constraint 'pk_inbox_event'. Cannot insert duplicate key in object 'dbo.inbox_event'.";
        assert!(classify_number(2627, 14, text).is_unique("pk_inbox_event"));
        for number in [547, 515, 2628, 8152] {
            assert!(matches!(classify_number(number, 16, ""), SqlError::Constraint(_)), "{number}");
        }
        for (number, severity) in [(1205, 13), (1222, 16), (3960, 16), (3961, 16)] {
            assert!(matches!(classify_number(number, severity, ""), SqlError::Busy(_)), "{number}");
        }
        // 1105 and 9002: the file or the log is full; 823: the disk; 701: memory.
        for (number, severity) in
            [(40613, 16), (4060, 11), (18456, 14), (3906, 16), (1105, 17), (9002, 17), (823, 24), (701, 17)]
        {
            assert!(matches!(classify_number(number, severity, ""), SqlError::Unavailable(_)), "{number}");
        }
        // Syntax, an unknown column, a missing permission: no retry can help.
        for (number, severity) in [(102, 15), (207, 16), (208, 16), (229, 14), (1934, 16), (334, 16)] {
            assert!(matches!(classify_number(number, severity, ""), SqlError::Failed(_)), "{number}");
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
