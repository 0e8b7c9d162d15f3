//! What can be said of a type without running it: errors are errors everywhere, what is meant for other threads can be
//! sent to them. That all of them can be printed is a lint of the manifest (`missing_debug_implementations`).

use std::error::Error;

use msgpump::dispatcher::ProcedureError;
use msgpump::wbem::wql::WqlError;
use msgpump::wbem::{ClassError, DateTimeError, Object, PathError, Publisher, PutError, ValueError, WbemError};
use msgpump::winsock::{BufferTooSmall, Refused, WinsockError};
use msgpump::{
    Abandoned, Accepted, Completer, ConnectError, Connection, ExternalId, GroupId, Host, HostQuery, LookupError,
    OperationId, Panicked, PostError, PostRefusal, Poster, ResolverConfig, ResolverConfigError, Settings, StartError,
    StartRefusal, StreamId, StreamWaker, TcpStream, Timer, WatchId, WindowId,
};

/// With `Send + Sync`, `?` also takes it where a program has `anyhow::Error` or an error of another thread.
fn is_error<E: Error + Send + Sync + 'static>() {}

fn can_be_sent<T: Send + 'static>() {}

fn can_be_shared<T: Send + Sync + 'static>() {}

#[test]
fn errors_are_errors_on_every_thread() {
    is_error::<msgpump::Error>();
    is_error::<PostError<String>>();
    is_error::<PostRefusal>();
    is_error::<StartError<HostQuery>>();
    is_error::<StartError<Timer>>();
    is_error::<StartRefusal>();
    is_error::<ConnectError>();
    is_error::<LookupError>();
    is_error::<ResolverConfigError>();
    is_error::<Abandoned>();
    is_error::<Panicked>();
    is_error::<ProcedureError<fn()>>();
    is_error::<ClassError>();
    is_error::<ValueError>();
    is_error::<DateTimeError>();
    is_error::<PathError>();
    is_error::<PutError>();
    is_error::<WbemError>();
    is_error::<WqlError>();
    is_error::<WinsockError>();
    is_error::<BufferTooSmall>();
    is_error::<Refused<()>>();
}

#[test]
fn what_is_meant_for_other_threads_can_be_sent_there() {
    // A result needs no more than to be sent itself.
    type Sent = std::cell::Cell<u32>;
    can_be_shared::<Poster<Sent>>();
    can_be_sent::<Completer<Sent>>();
    can_be_shared::<StreamWaker>();
    can_be_sent::<Publisher>();
    can_be_shared::<(WindowId, OperationId, GroupId)>();
    can_be_shared::<(ExternalId<u32>, StreamId<u32, ()>, WatchId<TcpStream>)>();
    can_be_shared::<(Settings, ResolverConfig, Host)>();
    can_be_sent::<(Connection, Accepted, TcpStream)>();
    can_be_shared::<Object>();
}
