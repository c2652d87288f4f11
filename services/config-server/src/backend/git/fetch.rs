//! Fetches a repository over the network into its mirror.

use std::{
    collections::BTreeSet,
    fs,
    net::{TcpStream, ToSocketAddrs as _},
    path::Path,
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
use souk_values::error_chain;

use super::{
    mirror::Mirror,
    origin::Origin,
    refs::{MIRRORED_BRANCHES, Refs},
};

/// A pack with fewer objects is unpacked, so that many small pushes do not leave as many packs.
const SMALL_PACK: u32 = 200;

#[derive(Debug, Clone, Copy)]
pub(super) struct FetchOptions {
    /// Limit on the time that the remote may stay silent.
    pub timeout: Duration,
    pub skip_ssl_validation: bool,
    /// Deletes the branches and tags that the remote no longer has.
    pub delete_untracked_branches: bool,
}

/// Brings `mirror` to the state of `url`, whatever it contained: a branch that was pushed by force moves along.
///
/// Errors: the remote cannot be reached, refuses, or does not speak Git; the mirror cannot be written.
pub(super) fn fetch(
    url: &gix::Url,
    origin: &Origin,
    mirror: &Mirror,
    options: FetchOptions,
    interrupted: &AtomicBool,
) -> Result<Refs, String> {
    let describe = |error: gix::Error| error_chain(&error);
    let repository = mirror.repository()?;
    let specs = [format!("+refs/heads/*:{MIRRORED_BRANCHES}*"), "+refs/tags/*:refs/tags/*".to_owned()];
    let remote = repository.remote_at_without_url_rewrite(url.clone()).map_err(describe)?;
    let remote = remote.with_fetch_tags(fetch::Tags::None);
    let remote = remote.with_refspecs(specs.iter().map(String::as_str), Direction::Fetch).map_err(describe)?;
    let connection = remote
        .to_connection_with_transport(transport(url, options)?)
        .with_credentials(|action| Ok(credentials(origin, action)))
        .with_transport_options(Box::new(http_options(origin, options)));
    let prepared = connection.prepare_fetch(gix::progress::Discard, ref_map::Options::default()).map_err(describe)?;
    let there: BTreeSet<String> =
        prepared.ref_map().mappings.iter().filter_map(|mapping| Some(mapping.local.as_ref()?.to_string())).collect();
    remove_conflicting_refs(mirror, &there)?;
    let outcome =
        prepared.with_write_packed_refs_only(true).receive(gix::progress::Discard, interrupted).map_err(describe)?;
    if let fetch::Status::Change { write_pack_bundle, .. } = &outcome.status
        && write_pack_bundle.index.num_objects < SMALL_PACK
        && let (Some(index), Some(pack)) = (&write_pack_bundle.index_path, &write_pack_bundle.data_path)
    {
        unpack(mirror, index, pack)?;
    }
    let mut refs = mirror.refs()?;
    if options.delete_untracked_branches {
        refs.retain(|name| there.contains(name));
        mirror.write(&refs)?;
    }
    Ok(refs)
}

/// Removes references that a new name excludes: beside `a` there cannot be `a/b`, and the other way round.
fn remove_conflicting_refs(mirror: &Mirror, there: &BTreeSet<String>) -> Result<(), String> {
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

fn credentials(
    origin: &Origin,
    action: gix::credentials::helper::Action,
) -> Option<gix::credentials::protocol::Outcome> {
    let gix::credentials::helper::Action::Get(context) = action else { return None };
    let identity = origin.account_for(context.url.as_ref().map(|url| url.as_slice()))?;
    Some(gix::credentials::protocol::Outcome { identity, next: context.into() })
}

fn transport(url: &gix::Url, options: FetchOptions) -> Result<Box<dyn Transport + Send>, String> {
    if url.scheme == gix::url::Scheme::Git {
        return git_daemon(url, options.timeout).map_err(|error| error_chain(&error));
    }
    let seconds = options.timeout.as_secs().max(1);
    // Batch mode: a prompt would wait for an operator. The alive interval notices a peer that is gone. Known hosts and
    // keys are the system's.
    let ssh = ssh::connect::Options {
        command: Some(
            format!("ssh -o BatchMode=yes -o ConnectTimeout={seconds} -o ServerAliveInterval={seconds}").into(),
        ),
        disallow_shell: false,
        kind: Some(ssh::ProgramKind::Ssh),
    };
    let options = connect::Options { version: Protocol::V2, ssh, trace: false };
    connect::connect(url.clone(), options).map_err(|error| error_chain(&error))
}

/// Connects to a Git daemon. The library's own connection has no timeouts and would wait forever.
fn git_daemon(url: &gix::Url, timeout: Duration) -> std::io::Result<Box<dyn Transport + Send>> {
    let host = url.host().unwrap_or_default().to_owned();
    let mut failed = std::io::Error::other(format!("{host} has no address"));
    for address in (host.as_str(), url.port.unwrap_or(9418)).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                return Ok(Box::new(git::blocking_io::Connection::new(
                    stream.try_clone()?,
                    stream,
                    Protocol::V2,
                    url.path.clone(),
                    Some((host, url.port)),
                    git::ConnectMode::Daemon,
                    false,
                )));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn http_options(origin: &Origin, options: FetchOptions) -> http::Options {
    let configured = http::reqwest::Options {
        configure_client: Some(Box::new(move |client| {
            // reqwest's blocking client applies the second one to each read, so that a large repository may take
            // longer.
            let client = client.connect_timeout(options.timeout).timeout(options.timeout);
            Ok(client.tls_danger_accept_invalid_certs(options.skip_ssl_validation))
        })),
        configure_request: None,
    };
    // The library sends no credentials without TLS. Whoever configures them for such a remote wants them sent, so they
    // are a header of our own, with which no redirect is followed.
    let extra_headers = origin.clear_text_authorization().into_iter().collect();
    http::Options { extra_headers, backend: Some(Arc::new(Mutex::new(configured))), ..http::Options::default() }
}

/// Stores the objects of a pack one by one, then removes it.
fn unpack(mirror: &Mirror, index: &Path, pack: &Path) -> Result<(), String> {
    let repository = mirror.repository()?;
    let bundle = gix::odb::pack::Bundle::at(index, gix::hash::Kind::Sha1).map_err(|error| error_chain(&error))?;
    let single = gix::odb::loose::Store::at(mirror.folder.join("objects"), gix::hash::Kind::Sha1);
    for entry in bundle.index.iter() {
        let object = repository.find_object(entry.oid).map_err(|error| error_chain(&error))?;
        gix::prelude::Write::write_buf(&single, object.kind, &object.data).map_err(|error| error_chain(&error))?;
    }
    // A reader that finds an index opens its pack, so the index goes first.
    let removed = fs::remove_file(index).and_then(|()| fs::remove_file(pack));
    removed.map_err(|error| format!("{}: {error}", pack.display()))
}
