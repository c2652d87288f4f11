//! `souk export`: writes the catalogue to a file, from the running shop or from the store of a stopped one.

use std::path::Path;

use futures::{Stream, StreamExt as _};
use souk_product::export::export_csv;
use tokio::{fs::File, io::AsyncWriteExt as _};

use crate::{
    cli::ExportArgs, command_error::CommandError, folder::Folder, import::open_products, operator::Operator,
    settings::Settings,
};

pub async fn run(args: ExportArgs) -> Result<(), CommandError> {
    let settings = Settings::of(&args.shop).await?;
    if let Some(shop) = settings.folder().and_then(Folder::running_shop) {
        let operator = Operator::sign_in(&shop).await?;
        return write(&args.file, operator.download("/products/export").await?).await;
    }
    let _lock = settings.folder().map(Folder::lock).transpose()?;
    let (store, _file_lock) = open_products(&settings).await?;
    write(&args.file, export_csv(store)).await
}

/// Writes beside `path` and renames at the end, so that a failure leaves no half file.
async fn write<B: AsRef<[u8]>, E: std::fmt::Display>(
    path: &Path,
    parts: impl Stream<Item = Result<B, E>>,
) -> Result<(), CommandError> {
    let failed =
        |error: &dyn std::fmt::Display| CommandError::failed(format!("{} cannot be written: {error}", path.display()));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut file = File::create(&part).await.map_err(|error| failed(&error))?;
    let mut parts = std::pin::pin!(parts);
    while let Some(bytes) = parts.next().await {
        let bytes = bytes.map_err(|error| failed(&error))?;
        file.write_all(bytes.as_ref()).await.map_err(|error| failed(&error))?;
    }
    file.sync_all().await.map_err(|error| failed(&error))?;
    tokio::fs::rename(&part, path).await.map_err(|error| failed(&error))?;
    say!("{} is written.", path.display());
    Ok(())
}
