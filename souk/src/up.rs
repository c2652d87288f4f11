//! `souk up`: locks the folder, starts the shop, fills it, prints its addresses, and stops it cleanly.

use std::{sync::Arc, time::Duration};

use souk_kit::Service;
use souk_values::{IdGen, SystemClock};

use crate::{
    assets, audit,
    cli::UpArgs,
    command_error::CommandError,
    first_admin,
    folder::{Folder, RunningShop},
    free_space,
    import::import_with_bar,
    services::{self, Role, port_beside},
    shop::{self, Shop},
    stop_signals::StopSignals,
};

/// Warnings and errors, and every applied change of the configuration.
const LOG_FILTER: &str = "warn,souk::config_refresh=info,lapin=off";

/// Time between two rounds of the audit.
const AUDIT_EVERY: Duration = Duration::from_secs(60);
/// Time for disagreements to resolve before the audit counts them.
const AUDIT_SETTLE: Duration = Duration::from_secs(30);

pub async fn run(args: UpArgs) -> Result<(), CommandError> {
    souk_kit::telemetry::log_json(LOG_FILTER);
    souk_kit::telemetry::install_metrics();
    audit::describe();
    let folder = Folder::at(&args.data.data);
    folder.create()?;
    let _lock = folder.lock()?;
    let mut signals = StopSignals::register()?;
    if !args.test_clock && !folder.clock_offset().is_zero() {
        complain!(
            "souk: this shop's clock was moved {} s ahead by --test-clock; without that option, what happened then \
             lies in the future.",
            folder.clock_offset().as_secs()
        );
    }

    let operator_token = IdGen::new(Arc::new(SystemClock)).token(32);
    let mut shop = Box::pin(shop::start(&args, &folder, operator_token.clone())).await?;
    folder.write_run_file(&RunningShop {
        pid: std::process::id(),
        gateway: format!("http://127.0.0.1:{}", args.port),
        auth: format!("http://127.0.0.1:{}", port_beside(args.port, souk_auth::Auth::PORT)),
        operator_token,
    })?;
    greet(&args, &shop);
    // Only now: after a start that failed earlier, the next one shows the password.
    if shop.first_admin.as_ref().is_some_and(|admin| admin.password.is_some()) {
        folder.delete_first_password();
    }

    let serving = async {
        fill(&args, &shop).await?;
        shop.is_ready.send_replace(true);
        say!("Ready.");
        if args.open && webbrowser::open(&format!("http://localhost:{}", args.port)).is_err() {
            say!("No browser could be opened; the address is above.");
        }
        let watch = audit::Watch::new(shop.settings.clone(), AUDIT_EVERY, AUDIT_SETTLE)
            .announcing_on(Arc::clone(&shop.transport));
        tokio::join!(shop.refresh(), Box::pin(watch.run()), free_space::publish(args.data.data.clone()));
        std::future::pending::<Result<(), CommandError>>().await
    };
    let outcome = tokio::select! {
        () = signals.received() => Ok(()),
        failed = serving => failed,
    };
    say!("Stopping …");
    let is_done = shop.stop().await;
    folder.remove_run_file();
    say!("{}", if is_done { "Stopped." } else { "Stopped; some streams or requests were cut." });
    outcome
}

/// Fills an empty shop with the sample catalogue, unless `--empty` is given.
async fn fill(args: &UpArgs, shop: &Shop) -> Result<(), CommandError> {
    if args.empty || !shop.products.is_empty().await.map_err(CommandError::failed)? {
        return Ok(());
    }
    say!("Filling the empty shop with the sample catalogue …");
    for (name, csv) in assets::catalogue() {
        let report = import_with_bar(&shop.products, &csv).await?;
        for rejected in &report.rejected {
            say!("  {name}, line {}: {}", rejected.line, rejected.reason);
        }
    }
    Ok(())
}

fn greet(args: &UpArgs, shop: &Shop) {
    say!("souk runs on {}", args.data.data.display());
    say!();
    say!("  shop and API   http://localhost:{}", args.port);
    say!("  API documents  http://localhost:{}/docs", args.port);
    say!("  metrics        http://{}/metrics", shop.management);
    for service in services::in_role(Role::Shop).chain(services::in_role(Role::Platform)) {
        say!("  {:<13}  http://127.0.0.1:{}", service.name, port_beside(args.port, service.port));
    }
    say!();
    if args.test_clock {
        say!("  An admin can move the clock: POST /api/test-clock. Not for a shop that sells.");
        say!();
    }
    if let Some(admin) = &shop.first_admin {
        say!("  {}", first_admin::line(&admin.email, admin.password.as_ref()));
        say!();
    }
    say!("Ctrl-C stops it.");
}
