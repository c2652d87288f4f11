//! `souk dead-letters`: list and show beside the running shop; replay and discard through it, or with
//! its bus to ourselves. A broker is shared, so there everything is done directly.

use reqwest::Method;
use souk_bus::{DeadLetter, DeadLetterId};
use souk_sql::Access;

use crate::{
    CommandError,
    bus::Looked,
    cli::{DeadLettersAct, DeadLettersArgs, ShopArgs},
    folder::Run,
    operator::Operator,
    settings::Settings,
};

enum Act {
    Replay,
    Discard,
}

/// Runs `souk dead-letters …`.
pub async fn run(args: DeadLettersArgs) -> Result<(), CommandError> {
    match args.act {
        DeadLettersAct::List { shop, service, json } => list(&shop, service.as_deref(), json).await,
        DeadLettersAct::Show { id, shop } => show(&shop, &id).await,
        DeadLettersAct::Replay { id, shop } => change(&shop, &id, Act::Replay).await,
        DeadLettersAct::Discard { id, shop } => change(&shop, &id, Act::Discard).await,
    }
}

async fn list(shop: &ShopArgs, service: Option<&str>, json: bool) -> Result<(), CommandError> {
    let bus = Looked::at(&Settings::of(shop).await?, Access::ReadOnly).await?;
    let letters = bus.transport().dead_letters(service).await.map_err(CommandError::failed)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&letters).map_err(CommandError::failed)?);
        return Ok(());
    }
    if letters.is_empty() {
        println!("No dead letters.");
    }
    for letter in &letters {
        let DeadLetter { dead_letter_id, queue, attempts, error, died_at, .. } = letter;
        println!("{dead_letter_id}  {died_at}  {queue:<24} {:<24} {attempts}x  {error}", letter.event_type());
    }
    Ok(())
}

async fn show(shop: &ShopArgs, id: &str) -> Result<(), CommandError> {
    let bus = Looked::at(&Settings::of(shop).await?, Access::ReadOnly).await?;
    let letter = bus.transport().dead_letter(read_id(id)?).await.map_err(CommandError::failed)?;
    println!("{}", serde_json::to_string_pretty(&letter).map_err(CommandError::failed)?);
    Ok(())
}

async fn change(shop: &ShopArgs, id: &str, act: Act) -> Result<(), CommandError> {
    let settings = Settings::of(shop).await?;
    match settings.folder() {
        None => directly(&settings, id, &act).await?,
        Some(folder) => {
            if let Some(run) = folder.running() {
                through_the_shop(&settings, &run, id, &act).await?;
            } else {
                let _hold = folder.hold()?;
                directly(&settings, id, &act).await?;
            }
        }
    }
    match act {
        Act::Replay => println!("{id} is in its queue again."),
        Act::Discard => println!("{id} is gone."),
    }
    Ok(())
}

async fn directly(settings: &Settings, id: &str, act: &Act) -> Result<(), CommandError> {
    let bus = Looked::at(settings, Access::ReadWrite).await?;
    let id = read_id(id)?;
    let changed = match act {
        Act::Replay => bus.transport().replay(id).await,
        Act::Discard => bus.transport().discard(id).await,
    };
    changed.map_err(CommandError::failed)
}

async fn through_the_shop(settings: &Settings, run: &Run, id: &str, act: &Act) -> Result<(), CommandError> {
    let bus = Looked::at(settings, Access::ReadOnly).await?;
    let letter = bus.transport().dead_letter(read_id(id)?).await.map_err(CommandError::failed)?;
    let service = letter.queue.split('.').next().unwrap_or_default();
    let path = format!("/admin/{service}/dead-letters/{id}");
    let operator = Operator::sign_in(run).await?;
    match act {
        Act::Replay => operator.send(Method::POST, &format!("{path}/replay"), None).await?,
        Act::Discard => operator.send(Method::DELETE, &path, None).await?,
    };
    Ok(())
}

fn read_id(id: &str) -> Result<DeadLetterId, CommandError> {
    id.parse().map_err(CommandError::failed)
}
