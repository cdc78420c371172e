//! A connection whose peer has to take what it is sent.
//!
//! Whoever asks and does not read would otherwise hold a connection and its buffers for as long as it
//! likes. Here the peer has a time to take something, and until it has, nothing more is read from it: what
//! it has not fetched of earlier answers bounds what it can ask for.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A stream that fails with [`io::ErrorKind::TimedOut`] when the peer takes nothing for too long.
pub(crate) struct WriteDeadline<S> {
    inner: S,
    within: Duration,
    /// Runs while there is something to send that the peer does not take.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Who wanted to read meanwhile.
    reader: Option<Waker>,
}

impl<S> WriteDeadline<S> {
    pub(crate) fn new(inner: S, within: Duration) -> WriteDeadline<S> {
        WriteDeadline { inner, within, stalled: None, reader: None }
    }

    /// Judges an attempt to write.
    fn judge<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
            return written;
        }
        let within = self.within;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(within)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stalled.is_some() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::WriteDeadline;

    const NEVER: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (ours, _theirs) = duplex(8);
        let mut stream = WriteDeadline::new(ours, Duration::from_millis(20));
        stream.write_all(b"12345678").await.unwrap();
        let refused = tokio::time::timeout(Duration::from_secs(20), stream.write_all(b"9")).await;
        assert_eq!(refused.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_not_read_from() {
        let (ours, mut theirs) = duplex(8);
        let mut stream = WriteDeadline::new(ours, NEVER);
        theirs.write_all(b"more").await.unwrap();
        stream.write_all(b"12345678").await.unwrap();
        assert!(stream.write_all(b"9").now_or_never().is_none(), "there is no room");
        let mut asked = [0; 4];
        assert!(stream.read_exact(&mut asked).now_or_never().is_none(), "the peer asks for more");

        let mut taken = [0; 8];
        theirs.read_exact(&mut taken).await.unwrap();
        stream.write_all(b"9").await.unwrap();
        stream.read_exact(&mut asked).await.unwrap();
        assert_eq!(&asked, b"more");
    }

    #[tokio::test]
    async fn who_wants_to_read_is_woken() {
        let (ours, mut theirs) = duplex(8);
        let (mut reading, mut writing) = tokio::io::split(WriteDeadline::new(ours, NEVER));
        writing.write_all(b"12345678").await.unwrap();
        assert!(writing.write_all(b"9").now_or_never().is_none(), "there is no room");
        let read = tokio::spawn(async move { reading.read_u8().await.unwrap() });
        tokio::task::yield_now().await;
        theirs.write_all(b"!").await.unwrap();
        let mut taken = [0; 8];
        theirs.read_exact(&mut taken).await.unwrap();
        writing.write_all(b"9").await.unwrap();
        let read = tokio::time::timeout(Duration::from_secs(20), read).await;
        assert_eq!(read.unwrap().unwrap(), b'!');
    }
}
