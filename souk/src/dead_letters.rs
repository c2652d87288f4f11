//! `souk dead-letters`. The local bus has one writer: `replay` and `discard` go through the running shop, or lock the
//! folder of a stopped one; `list` and `show` read beside it. On a broker, which is shared, all four act directly.

use reqwest::Method;
use souk_bus::{DeadLetter, DeadLetterId};
use souk_sql::Access;

use crate::{
    bus::OpenBus,
    cli::{DeadLettersArgs, DeadLettersCommand, ShopArgs},
    command_error::CommandError,
    folder::RunningShop,
    operator::Operator,
    settings::Settings,
};

enum Change {
    Replay,
    Discard,
}

pub async fn run(args: DeadLettersArgs) -> Result<(), CommandError> {
    match args.command {
        DeadLettersCommand::List { shop, service, json } => list(&shop, service.as_deref(), json).await,
        DeadLettersCommand::Show { id, shop } => show(&shop, &id).await,
        DeadLettersCommand::Replay { id, shop } => change(&shop, &id, Change::Replay).await,
        DeadLettersCommand::Discard { id, shop } => change(&shop, &id, Change::Discard).await,
    }
}

async fn list(shop: &ShopArgs, service: Option<&str>, json: bool) -> Result<(), CommandError> {
    let bus = open(&Settings::of(shop).await?, Access::ReadOnly).await?;
    let letters = bus.transport().dead_letters(service).await.map_err(CommandError::failed)?;
    let letters: Vec<DeadLetter> = letters.into_iter().map(DeadLetter::redacted).collect();
    if json {
        say!("{}", serde_json::to_string_pretty(&letters).map_err(CommandError::failed)?);
        return Ok(());
    }
    if letters.is_empty() {
        say!("No dead letters.");
    }
    for letter in &letters {
        let DeadLetter { dead_letter_id, queue, attempts, error, died_at, .. } = letter;
        say!("{dead_letter_id}  {died_at}  {queue:<24} {:<24} {attempts}x  {error}", letter.event_type());
    }
    Ok(())
}

async fn show(shop: &ShopArgs, id: &str) -> Result<(), CommandError> {
    let letter = find(&Settings::of(shop).await?, id).await?.redacted();
    say!("{}", serde_json::to_string_pretty(&letter).map_err(CommandError::failed)?);
    Ok(())
}

async fn change(shop: &ShopArgs, id: &str, change: Change) -> Result<(), CommandError> {
    let settings = Settings::of(shop).await?;
    match settings.folder() {
        None => on_the_bus(&settings, id, &change).await?,
        Some(folder) => {
            if let Some(shop) = folder.running_shop() {
                through_the_shop(&settings, &shop, id, &change).await?;
            } else {
                let _lock = folder.lock()?;
                on_the_bus(&settings, id, &change).await?;
            }
        }
    }
    match change {
        Change::Replay => say!("{id} is back in its queue."),
        Change::Discard => say!("{id} is deleted."),
    }
    Ok(())
}

async fn on_the_bus(settings: &Settings, id: &str, change: &Change) -> Result<(), CommandError> {
    let bus = open(settings, Access::ReadWrite).await?;
    let id = parse_id(id)?;
    let changed = match change {
        Change::Replay => bus.transport().replay(id).await,
        Change::Discard => bus.transport().discard(id).await,
    };
    changed.map_err(CommandError::failed)
}

async fn through_the_shop(
    settings: &Settings,
    shop: &RunningShop,
    id: &str,
    change: &Change,
) -> Result<(), CommandError> {
    let letter = find(settings, id).await?;
    let path = format!("/admin/{}/dead-letters/{id}", letter.service());
    let operator = Operator::sign_in(shop).await?;
    match change {
        Change::Replay => operator.send(Method::POST, &format!("{path}/replay"), None).await?,
        Change::Discard => operator.send(Method::DELETE, &path, None).await?,
    };
    Ok(())
}

async fn find(settings: &Settings, id: &str) -> Result<DeadLetter, CommandError> {
    let bus = open(settings, Access::ReadOnly).await?;
    bus.transport().dead_letter(parse_id(id)?).await.map_err(CommandError::failed)
}

async fn open(settings: &Settings, access: Access) -> Result<OpenBus, CommandError> {
    OpenBus::open(settings, access).await.map_err(CommandError::failed)
}

fn parse_id(id: &str) -> Result<DeadLetterId, CommandError> {
    id.parse().map_err(CommandError::failed)
}
