//! What becomes of a host that an operator points at the controller.

use tests::Scene;

#[test]
fn a_host_is_ready_after_the_contracts_two_commands() {
    let scene = Scene::start(1).unwrap();
    scene.wait_ready().unwrap();
}
