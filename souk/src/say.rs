//! Lines for people and pipes. `println!` panics when the reader of a pipe has ended, as in `souk audit | head -1`; these lines
//! are lost then, and nothing else is.

use std::{
    fmt::Arguments,
    io::{ErrorKind, Write as _, stderr, stdout},
};

/// Writes a line to the standard output. A failure other than an ended pipe is reported, once for each line.
pub(crate) fn line(text: Arguments<'_>) {
    if let Err(error) = writeln!(stdout(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
    {
        error_line(format_args!("souk: the output cannot be written: {error}"));
    }
}

/// Writes a line to the standard error. There is no place left to report a failure of that.
pub(crate) fn error_line(text: Arguments<'_>) {
    let _ = writeln!(stderr(), "{text}");
}

/// Writes a formatted line to the standard output.
macro_rules! say {
    () => { $crate::say::line(format_args!("")) };
    ($($text:tt)*) => { $crate::say::line(format_args!($($text)*)) };
}

/// Writes a formatted line to the standard error.
macro_rules! complain {
    ($($text:tt)*) => { $crate::say::error_line(format_args!($($text)*)) };
}
