//! `souk dead-letters`: list and show beside the running shop; replay and discard through it, or with
//! the folder to ourselves.

use std::sync::Arc;

use reqwest::Method;
use souk_bus::{DeadLetter, LocalTransport, Transport};
use souk_sql::Access;
use souk_values::SystemClock;

use crate::{
    CommandError,
    cli::{DataArgs, DeadLettersAct, DeadLettersArgs},
    folder::{Folder, Run},
    operator::Operator,
};

enum Act {
    Replay,
    Discard,
}

/// Runs `souk dead-letters …`.
pub async fn run(args: DeadLettersArgs) -> Result<(), CommandError> {
    match args.act {
        DeadLettersAct::List { data, service, json } => list(&data, service.as_deref(), json).await,
        DeadLettersAct::Show { id, data } => show(&data, &id).await,
        DeadLettersAct::Replay { id, data } => change(&data, &id, Act::Replay).await,
        DeadLettersAct::Discard { id, data } => change(&data, &id, Act::Discard).await,
    }
}

async fn open(data: &DataArgs, access: Access) -> Result<(Folder, LocalTransport), CommandError> {
    let folder = Folder::at(&data.data);
    folder.must_exist()?;
    let bus = LocalTransport::open(&folder.store_url("bus"), access, Arc::new(SystemClock))
        .await
        .map_err(CommandError::failed)?;
    Ok((folder, bus))
}

async fn list(data: &DataArgs, service: Option<&str>, json: bool) -> Result<(), CommandError> {
    let (_, bus) = open(data, Access::ReadOnly).await?;
    let letters = bus.dead_letters(service).await.map_err(CommandError::failed)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&letters).map_err(CommandError::failed)?);
        return Ok(());
    }
    if letters.is_empty() {
        println!("No dead letters.");
    }
    for DeadLetter { dead_letter_id, queue, attempts, error, died_at, envelope } in &letters {
        println!("{dead_letter_id}  {died_at}  {queue:<24} {:<24} {attempts}x  {error}", envelope.event_type);
    }
    Ok(())
}

async fn show(data: &DataArgs, id: &str) -> Result<(), CommandError> {
    let (_, bus) = open(data, Access::ReadOnly).await?;
    let id = id.parse().map_err(CommandError::failed)?;
    let letter = bus.dead_letter(id).await.map_err(CommandError::failed)?;
    println!("{}", serde_json::to_string_pretty(&letter).map_err(CommandError::failed)?);
    Ok(())
}

async fn change(data: &DataArgs, id: &str, act: Act) -> Result<(), CommandError> {
    let folder = Folder::at(&data.data);
    folder.must_exist()?;
    if let Some(run) = folder.running() {
        through_the_shop(data, &run, id, &act).await?;
    } else {
        let _hold = folder.hold()?;
        let (_, bus) = open(data, Access::ReadWrite).await?;
        let id = id.parse().map_err(CommandError::failed)?;
        let changed = match act {
            Act::Replay => bus.replay(id).await,
            Act::Discard => bus.discard(id).await,
        };
        changed.map_err(CommandError::failed)?;
    }
    match act {
        Act::Replay => println!("{id} is in its queue again."),
        Act::Discard => println!("{id} is gone."),
    }
    Ok(())
}

async fn through_the_shop(data: &DataArgs, run: &Run, id: &str, act: &Act) -> Result<(), CommandError> {
    let (_, bus) = open(data, Access::ReadOnly).await?;
    let letter = bus.dead_letter(id.parse().map_err(CommandError::failed)?).await.map_err(CommandError::failed)?;
    let service = letter.queue.split('.').next().unwrap_or_default();
    let path = format!("/admin/{service}/dead-letters/{id}");
    let operator = Operator::sign_in(run).await?;
    match act {
        Act::Replay => operator.send(Method::POST, &format!("{path}/replay"), None).await?,
        Act::Discard => operator.send(Method::DELETE, &path, None).await?,
    };
    Ok(())
}
