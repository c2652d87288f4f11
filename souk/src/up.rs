//! `souk up`: takes the folder, starts the shop, fills it, says where it is, and stops it cleanly.

use std::sync::Arc;

use souk_values::{IdGen, SystemClock};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    CommandError, assets,
    cli::UpArgs,
    folder::{Folder, Run},
    import::import_with_bar,
    services::{self, CONFIG_SERVER, DISCOVERY, SERVICES},
    shop::{self, Shop},
};

/// What goes wrong, and what becomes of a changed configuration.
const LOGGED: &str = "warn,souk::serve::refreshing=info,lapin=off";

/// Runs the shop until it is told to stop.
pub async fn run(args: UpArgs) -> Result<(), CommandError> {
    souk_kit::telemetry::log_json(LOGGED);
    souk_kit::telemetry::install_metrics();
    let folder = Folder::at(&args.data.data);
    folder.make()?;
    let _hold = folder.hold()?;
    // Asked for before anything is started, so that no signal is lost.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CommandError::failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::failed)?;
    if !args.test_clock && !folder.clock_offset().is_zero() {
        eprintln!(
            "souk: this shop's clock was moved {} s ahead by --test-clock; without it, what happened then lies in the future.",
            folder.clock_offset().as_secs()
        );
    }

    let operator_token = IdGen::new(Arc::new(SystemClock)).token(32);
    let mut shop = Box::pin(shop::start(&args, &folder, operator_token.clone())).await?;
    folder.announce(&Run {
        pid: std::process::id(),
        gateway: format!("http://127.0.0.1:{}", args.port),
        auth: format!("http://127.0.0.1:{}", services::port(8081, args.port)),
        operator_token,
    })?;
    greet(&args, &shop);
    if shop.first_admin.as_ref().is_some_and(|admin| admin.password.is_some()) {
        folder.has_shown_password();
    }

    let asked_to_stop = async {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    };
    let filled = async {
        fill(&args, &shop).await?;
        shop.is_ready.send_replace(true);
        println!("Ready.");
        if args.open && webbrowser::open(&format!("http://localhost:{}", args.port)).is_err() {
            println!("No browser could be opened; the address is above.");
        }
        shop.refresh().await;
        std::future::pending::<Result<(), CommandError>>().await
    };
    let outcome = tokio::select! {
        () = asked_to_stop => Ok(()),
        failed = filled => failed,
    };
    println!("Stopping …");
    let is_done = shop.stop().await;
    folder.withdraw();
    println!("{}", if is_done { "Stopped." } else { "Stopped; some streams or requests were cut." });
    outcome
}

/// Fills an empty shop with the sample catalogue.
async fn fill(args: &UpArgs, shop: &Shop) -> Result<(), CommandError> {
    if args.empty || !shop.products.is_empty().await.map_err(CommandError::failed)? {
        return Ok(());
    }
    println!("Filling the empty shop with the sample catalogue …");
    for (name, csv) in assets::catalogue() {
        let report = import_with_bar(&shop.products, &csv).await?;
        for rejected in &report.rejected {
            println!("  {name}, line {}: {}", rejected.line, rejected.reason);
        }
    }
    Ok(())
}

fn greet(args: &UpArgs, shop: &Shop) {
    println!("souk runs on {}", args.data.data.display());
    println!();
    println!("  shop and API   http://localhost:{}", args.port);
    println!("  API documents  http://localhost:{}/docs", args.port);
    println!("  metrics        http://{}/metrics", shop.management);
    for (name, standard) in SERVICES.into_iter().chain([("discovery", DISCOVERY), ("config-server", CONFIG_SERVER)]) {
        println!("  {name:<13}  http://127.0.0.1:{}", services::port(standard, args.port));
    }
    println!();
    if args.test_clock {
        println!("  The clock can be moved by an admin: POST /api/test-clock. Not for a shop that sells.");
        println!();
    }
    if let Some(admin) = &shop.first_admin {
        match &admin.password {
            Some(password) => {
                println!("  First admin    {}   password {}   (shown this once)", admin.email, password.expose());
            }
            None => println!("  First admin    {}   with the password you configured", admin.email),
        }
        println!();
    }
    println!("Ctrl-C stops it.");
}
