//! Fetches a repository over the network into its copy.

use std::{
    collections::BTreeSet,
    fs,
    net::{TcpStream, ToSocketAddrs as _},
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use gix::{
    protocol::transport::{
        Protocol,
        client::{
            blocking_io::{Transport, connect, http, ssh},
            git,
        },
    },
    remote::{Direction, fetch, ref_map},
};

use super::{
    mirror::Mirror,
    origin::Origin,
    refs::{COPIED_BRANCHES, Refs},
    why,
};

/// A pack with fewer objects is taken apart, so that many small pushes do not leave as many packs.
const SMALL_PACK: u32 = 200;

/// How a repository is fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// How long the remote may be silent.
    pub timeout: Duration,
    pub skip_ssl_validation: bool,
    /// Whether what is gone there is forgotten here.
    pub forgets: bool,
}

/// Brings `mirror` to what `url` has, whatever it had: a branch that was pushed by force is where it was pushed to.
///
/// Errors: the remote cannot be reached, refuses, or does not speak Git; the copy cannot be written.
pub(super) fn fetch(
    url: &gix::Url,
    origin: &Origin,
    mirror: &Mirror,
    manner: Manner,
    interrupted: &AtomicBool,
) -> Result<Refs, String> {
    let told = |error: gix::Error| why(&error);
    let repository = mirror.repository()?;
    let specs = [format!("+refs/heads/*:{COPIED_BRANCHES}*"), "+refs/tags/*:refs/tags/*".to_owned()];
    let remote = repository.remote_at_without_url_rewrite(url.clone()).map_err(told)?;
    let remote = remote.with_fetch_tags(fetch::Tags::None);
    let remote = remote.with_refspecs(specs.iter().map(String::as_str), Direction::Fetch).map_err(told)?;
    let connection = remote
        .to_connection_with_transport(transport(url, manner)?)
        .with_credentials(|action| Ok(answer(origin, action)))
        .with_transport_options(Box::new(http_options(origin, manner)));
    let prepared = connection.prepare_fetch(gix::progress::Discard, ref_map::Options::default()).map_err(told)?;
    let there: BTreeSet<String> =
        prepared.ref_map().mappings.iter().filter_map(|mapping| Some(mapping.local.as_ref()?.to_string())).collect();
    make_room(mirror, &there)?;
    let outcome =
        prepared.with_write_packed_refs_only(true).receive(gix::progress::Discard, interrupted).map_err(told)?;
    if let fetch::Status::Change { write_pack_bundle, .. } = &outcome.status
        && write_pack_bundle.index.num_objects < SMALL_PACK
        && let (Some(index), Some(pack)) = (&write_pack_bundle.index_path, &write_pack_bundle.data_path)
    {
        take_apart(mirror, index, pack)?;
    }
    let mut refs = mirror.refs()?;
    if manner.forgets {
        refs.retain(|name| there.contains(name));
        mirror.write(&refs)?;
    }
    Ok(refs)
}

/// Forgets what stands in the way of a new name: where `a` was, `a/b` cannot be, and the other way round.
fn make_room(mirror: &Mirror, there: &BTreeSet<String>) -> Result<(), String> {
    let known = mirror.refs()?;
    let mut fitting = known.clone();
    fitting.retain(|name| {
        let below = format!("{name}/");
        let has_below = there.range(below.clone()..).next().is_some_and(|next| next.starts_with(&below));
        let is_below = name.match_indices('/').any(|(at, _)| name.get(..at).is_some_and(|above| there.contains(above)));
        there.contains(name) || !(has_below || is_below)
    });
    if fitting == known { Ok(()) } else { mirror.write(&fitting) }
}

fn answer(origin: &Origin, action: gix::credentials::helper::Action) -> Option<gix::credentials::protocol::Outcome> {
    let gix::credentials::helper::Action::Get(context) = action else { return None };
    let identity = origin.account_for(context.url.as_ref().map(|url| url.as_slice()))?;
    Some(gix::credentials::protocol::Outcome { identity, next: context.into() })
}

fn transport(url: &gix::Url, manner: Manner) -> Result<Box<dyn Transport + Send>, String> {
    if url.scheme == gix::url::Scheme::Git {
        return git_daemon(url, manner.timeout).map_err(|error| why(&error));
    }
    let seconds = manner.timeout.as_secs().max(1);
    // It never asks anybody, and notices when the other side is gone. Hosts and keys are the system's business.
    let ssh = ssh::connect::Options {
        command: Some(
            format!("ssh -o BatchMode=yes -o ConnectTimeout={seconds} -o ServerAliveInterval={seconds}").into(),
        ),
        disallow_shell: false,
        kind: Some(ssh::ProgramKind::Ssh),
    };
    let options = connect::Options { version: Protocol::V2, ssh, trace: false };
    connect::connect(url.clone(), options).map_err(|error| why(&error))
}

/// The library's own connection would wait for ever.
fn git_daemon(url: &gix::Url, timeout: Duration) -> std::io::Result<Box<dyn Transport + Send>> {
    let host = url.host().unwrap_or_default().to_owned();
    let mut failed = std::io::Error::other(format!("{host} has no address"));
    for address in (host.as_str(), url.port.unwrap_or(9418)).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                let (read, path) = (stream.try_clone()?, url.path.clone());
                let mode = git::ConnectMode::Daemon;
                let host = Some((host, url.port));
                return Ok(Box::new(git::blocking_io::Connection::new(
                    read,
                    stream,
                    Protocol::V2,
                    path,
                    host,
                    mode,
                    false,
                )));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn http_options(origin: &Origin, manner: Manner) -> http::Options {
    let configured = http::reqwest::Options {
        configure_client: Some(Box::new(move |client| {
            // The second counts for each single step, so that a large repository may take its time.
            let client = client.connect_timeout(manner.timeout).timeout(manner.timeout);
            Ok(client.tls_danger_accept_invalid_certs(manner.skip_ssl_validation))
        })),
        configure_request: None,
    };
    // The library gives credentials to nobody without TLS. Who configured them for such a remote means it; with a
    // header of ours no redirect is followed.
    let extra_headers = origin.clear_text_authorization().into_iter().collect();
    http::Options { extra_headers, backend: Some(Arc::new(Mutex::new(configured))), ..http::Options::default() }
}

/// Stores the objects of a pack one by one, then removes it.
fn take_apart(mirror: &Mirror, index: &std::path::Path, pack: &std::path::Path) -> Result<(), String> {
    let repository = mirror.repository()?;
    let bundle = gix::odb::pack::Bundle::at(index, gix::hash::Kind::Sha1).map_err(|error| why(&error))?;
    let single = gix::odb::loose::Store::at(mirror.folder.join("objects"), gix::hash::Kind::Sha1);
    for entry in bundle.index.iter() {
        let object = repository.find_object(entry.oid).map_err(|error| why(&error))?;
        gix::prelude::Write::write_buf(&single, object.kind, &object.data).map_err(|error| why(&error))?;
    }
    // Whoever finds an index looks for its pack, so the index goes first.
    let removed = fs::remove_file(index).and_then(|()| fs::remove_file(pack));
    removed.map_err(|error| format!("{}: {error}", pack.display()))
}
