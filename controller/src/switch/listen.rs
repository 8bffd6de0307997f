use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::info;

use super::session::serve_stream;
use crate::accept::accept;
use crate::engine::Engine;

/// Serves switches that connect, until dropped.
pub async fn serve(engine: Engine, listeners: Vec<TcpListener>) {
    let mut tasks = JoinSet::new();
    for listener in listeners {
        let engine = engine.clone();
        tasks.spawn(accept(listener, "openflow", move |stream| {
            let engine = engine.clone();
            async move {
                let end = serve_stream(engine, stream).await;
                info!(reason = %end, "OpenFlow session ended");
            }
        }));
    }
    while tasks.join_next().await.is_some() {}
}
