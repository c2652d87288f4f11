//! Shows the first admin's sign-in data on standard output: once, and never in a log.

use souk_auth::FirstAdmin;
use souk_kit::ServiceParts;
use souk_values::Secret;

/// Prints the admin that auth created while it was built, with the password if auth generated it.
pub fn print_if_created(parts: &mut ServiceParts) {
    if let Some(admin) = parts.take::<FirstAdmin>() {
        print(&admin);
    }
}

pub fn print(admin: &FirstAdmin) {
    say!("{}", line(&admin.email, admin.generated.then_some(&admin.password)));
}

/// Returns the line for an admin. `password` is `None` when the operator configured it.
pub fn line(email: &str, password: Option<&Secret>) -> String {
    match password {
        Some(password) => format!("First admin    {email}   password {}   (shown this once)", password.expose()),
        None => format!("First admin    {email}   with the password you configured"),
    }
}
