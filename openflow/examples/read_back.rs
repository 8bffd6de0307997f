//! Connects to a switch by TCP, adds a flow, waits until the switch has it, and reads it back.
//!
//! ```text
//! ovs-vsctl set-controller br0 ptcp:6653:127.0.0.1 -- set bridge br0 protocols=OpenFlow13
//! cargo run --example read_back -- 127.0.0.1:6653
//! ```

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use openflow::message::{
    FlowMod, FlowStatsRequest, Message, MultipartReplyBody, MultipartRequestBody,
};
use openflow::session::{End, Event, Session};
use openflow::{Action, Field, Flow, Instruction, Match, PortNo};

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:6653".to_owned());
    converse(&address, &mut io::stdout())
}

/// Adds the flow and prints what the switch has with its cookie.
pub(crate) fn converse(address: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut switch = Switch::connect(address)?;
    let Event::Ready(features) = switch.event()? else { return Err("no handshake".into()) };
    writeln!(out, "connected to switch {:016x}", features.datapath_id)?;

    // What answers ARP requests for 10.0.0.1, as text it would be
    // `table=7,priority=100,arp,arp_tpa=10.0.0.1,arp_op=1 actions=…`.
    let cookie = 0x7e57;
    let flow = Flow {
        table: 7,
        priority: 100,
        cookie,
        matching: Match::new()
            .with(Field::ETH_TYPE, 0x0806_u16)
            .with(Field::ARP_TPA, std::net::Ipv4Addr::new(10, 0, 0, 1))
            .with(Field::ARP_OP, 1_u16),
        instructions: vec![Instruction::ApplyActions(vec![
            Action::set_field(Field::ARP_OP, 2_u16),
            Action::output(PortNo::IN_PORT),
        ])],
        ..Flow::default()
    };
    switch.session.send(&Message::FlowMod(FlowMod::add(flow)))?;
    let barrier = switch.session.send(&Message::BarrierRequest)?;
    loop {
        match switch.event()? {
            Event::Reply { xid, .. } if xid == barrier => break,
            Event::Error { error, .. } => return Err(error.code.to_string().into()),
            _ => {}
        }
    }

    let request = FlowStatsRequest::by_cookie(cookie, u64::MAX);
    let request = MultipartRequestBody::Flow(request);
    let asked = switch.session.send(&Message::MultipartRequest(request.into()))?;
    loop {
        match switch.event()? {
            Event::Part { xid, body: MultipartReplyBody::Flow(flows), last } if xid == asked => {
                for stats in flows {
                    writeln!(out, "{}", stats.flow)?;
                }
                if last {
                    return Ok(());
                }
            }
            Event::Error { error, .. } => return Err(error.code.to_string().into()),
            _ => {}
        }
    }
}

/// A connection, and the session that knows what its bytes mean.
struct Switch {
    stream: TcpStream,
    session: Session,
}

impl Switch {
    fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        Ok(Self { stream, session: Session::new(End::Controller, Instant::now()) })
    }

    /// Sends what there is to send, and waits for what the switch has to say.
    fn event(&mut self) -> Result<Event, Box<dyn Error>> {
        let mut buffer = [0; 1 << 14];
        loop {
            while let Some(bytes) = self.session.poll_transmit() {
                self.stream.write_all(&bytes)?;
            }
            if let Some(event) = self.session.poll_event() {
                return Ok(event);
            }
            let deadline = self.session.poll_timeout();
            let patience = deadline.map(|it| it.saturating_duration_since(Instant::now()));
            // None at all is no time-out that a socket takes.
            self.stream.set_read_timeout(patience.map(|it| it.max(Duration::from_millis(1))))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err("the switch has closed the connection".into()),
                Ok(length) => self.session.handle_input(&buffer[..length], Instant::now())?,
                Err(error) if is_timeout(&error) => self.session.handle_timeout(Instant::now())?,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
