//! `weft-lab demo`: from a bare Open vSwitch to pings across three kinds of network.

mod pings;
mod tenant;

use std::collections::HashMap;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::{Lab, Weftd, WeftdOptions};
use serde_json::Value;

use self::tenant::{NETWORKS, PROJECT, Segment};
use crate::interrupt::own_path;

/// How many hosts.
const HOSTS: u16 = 3;

/// How long the controller may take to bring the hosts up.
const READY: Duration = Duration::from_secs(60);

/// Runs the demo; the exit code says whether every ping came back.
pub(crate) fn run(keep: bool) -> Result<ExitCode> {
    let started = Instant::now();
    title("Three stock Open vSwitch hosts and a controller");
    let lab = Lab::builder().hosts(HOSTS).start()?;
    let weftd = lab.start_weftd(WeftdOptions::default())?;
    for host in lab.hosts() {
        let (name, controller) = (host.name(), lab.controller_address());
        println!(
            "{name}# ovs-vsctl set Open_vSwitch . external_ids:weft-encap-ip={} \\",
            host.tunnel_ip()
        );
        println!("       external_ids:weft-bridge-mappings={}:br-provider", lab::PHYSICAL_NETWORK);
        println!("{name}# ovs-vsctl set-manager tcp:{controller}:6640");
        host.set_manager(controller)?;
    }
    let names = wait_for_hosts(&lab, &weftd)?;

    title("A tenant's networks, and a port of each on every host");
    weft(&weftd, &["project", "create", PROJECT])?;
    let mut segments = Vec::new();
    for network in &NETWORKS {
        segments.push(Segment::create(network, &lab, &weftd)?);
    }
    let ports: Vec<_> = segments.iter().flat_map(Segment::port_ids).collect();
    let wait: Vec<_> = ["port", "wait"].into_iter().chain(ports).collect();
    weftd.weft_text(&wait)?;
    println!("all ports are active");

    title("What there is now");
    for what in ["host", "network", "subnet", "port"] {
        show(&weftd, &[what, "list"])?;
    }
    let first = lab.host(1);
    let first = names.get(&first.system_id().to_string()).context("the first host has no name")?;
    title("One host's flows, and what each is for");
    show(&weftd, &["flow", "list", first, "--explain"])?;

    title("Pings across");
    let failed = pings::across(&segments)?;
    println!("\n{:.1} s from nothing to here", started.elapsed().as_secs_f64());
    if keep {
        play(&lab, &weftd, &segments, first);
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits until the controller reports every host of the lab as ready; their names there, by
/// system id.
fn wait_for_hosts(lab: &Lab, weftd: &Weftd) -> Result<HashMap<String, String>> {
    let mut names = HashMap::new();
    let ready = lab::wait_until("every host to be ready", READY, || {
        names = weftd.weft(&["host", "list"]).map(|list| ready_hosts(&list)).unwrap_or_default();
        lab.hosts().iter().all(|host| names.contains_key(&host.system_id().to_string()))
    });
    if let Err(error) = ready {
        let hosts = weftd.weft_text(&["host", "list"]).unwrap_or_else(|error| error.to_string());
        bail!("{error}; the controller says:\n{hosts}");
    }
    Ok(names)
}

/// The names of the hosts that are ready, by system id.
fn ready_hosts(list: &Value) -> HashMap<String, String> {
    let hosts = list.as_array().into_iter().flatten();
    let ready = hosts.filter(|host| host["state"] == "READY").filter_map(|host| {
        Some((host["system_id"].as_str()?.to_owned(), host["name"].as_str()?.to_owned()))
    });
    ready.collect()
}

/// Shows a `weft` command, runs it and returns its answer.
fn weft(weftd: &Weftd, args: &[&str]) -> Result<Value> {
    println!("$ weft {}", args.join(" "));
    weftd.weft(args)
}

/// Shows a `weft` command and what it prints.
fn show(weftd: &Weftd, args: &[&str]) -> Result<()> {
    println!("$ weft {}\n{}", args.join(" "), weftd.weft_text(args)?.trim_end());
    Ok(())
}

fn title(text: &str) {
    println!("\n== {text}");
}

/// Says what there is to play with and waits for Ctrl-C.
fn play(lab: &Lab, weftd: &Weftd, segments: &[Segment], host: &str) -> ! {
    title("It stays up until Ctrl-C. In another terminal, as root:");
    let lab_command = own_path();
    let exec = format!("{lab_command} exec --lab {}", lab.id());
    if let Ok(weft) = lab::binary("weft") {
        println!("export WEFT_SERVER={}", weftd.server());
        println!("{} flow list {host} --explain", weft.display());
        println!("{} port list", weft.display());
    }
    println!("{lab_command} status");
    println!("{exec} h1 ovs-ofctl -O OpenFlow13 --names dump-flows br-int");
    for segment in segments {
        for (vm, address) in segment.machines() {
            println!("{exec} {vm} ping {address}");
        }
    }
    loop {
        thread::park();
    }
}
