"""The compose file: valid by the Compose Specification, and closed but for one port of this machine."""

import compose_spec

import deployment


def test_it_follows_the_specification():
    """Guards members and types."""
    compose_spec.PyCompose.from_yaml((deployment.ROOT / "compose.yaml").read_text())


def test_volumes_and_networks_are_declared():
    """Guards references, and against volumes that nobody uses."""
    services = deployment.compose()["services"].values()
    used = {volume.split(":")[0] for service in services for volume in service.get("volumes", [])}
    assert used == set(deployment.compose()["volumes"])
    assert {network for service in services for network in service["networks"]} == set(deployment.compose()["networks"])


def test_nobody_waits_for_what_never_comes():
    """Guards the order of the start: whoever waits for a healthy service names one that has a check."""
    services = deployment.compose()["services"]
    for name, service in services.items():
        for other, wait in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            assert wait == {"condition": "service_healthy"} and "healthcheck" in services[other], f"{name} waits for {other}"


def test_only_the_api_is_reached_and_only_from_here():
    """Guards Kafka and MongoDB, which ask for no password, and the API, which asks for no key."""
    services = deployment.compose()["services"]
    port = deployment.image_port()
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {"api": [f"127.0.0.1:{port}:{port}"]}
    assert deployment.compose()["networks"]["backend"] == {"internal": True}
    for name, service in services.items():
        assert service["networks"] == (["frontend", "backend"] if name == "api" else ["backend"]), name


def test_other_images_are_pinned():
    """Guards against another version from one day to the next."""
    images = {service["image"] for service in deployment.compose_services(ours=False).values()}
    assert images and all(image.rsplit(":", 1)[1].count(".") == 2 for image in images), images


def test_the_service_is_closed_in():
    """Guards what the program may do in its container: write to its folder and nowhere else, and gain no rights."""
    services = deployment.compose_services()
    assert set(services) == {"api", "worker"}
    assert [name for name, service in services.items() if "build" in service] == ["api"]
    for name, service in services.items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "user" not in service and "privileged" not in service, name
        mounted = [entry.split(":")[1] for entry in service.get("volumes", [])] + [entry.split(":")[0] for entry in service.get("tmpfs", [])]
        assert mounted == [deployment.image_data()], name


def test_the_worker_may_write_its_folder():
    """Guards the owner of the folder in memory, which would be root."""
    options = dict(option.split("=") for option in deployment.compose_services()["worker"]["tmpfs"][0].split(":")[1].split(","))
    assert (int(options["uid"]), int(options["gid"])) == deployment.image_user() and options["mode"] == "0700"


def test_there_is_time_to_end():
    """Guards the drain, the spill and the batch at hand against SIGKILL."""
    defaults = deployment.defaults()
    for name, service in deployment.compose_services().items():
        takes = sum(deployment.seconds_of(defaults[key]) for key in ("USERTRAIL_SHUTDOWN_DELAY", "USERTRAIL_DRAIN_TIMEOUT"))
        assert deployment.seconds_of(service["stop_grace_period"]) >= takes + 10, name


def test_api_and_workers_share_a_topic():
    """Guards that they name the same one, at the broker that is there, with a partition for each worker and no more replicas
    than brokers."""
    services = deployment.compose()["services"]
    api, worker = (services[name]["environment"] for name in ("api", "worker"))
    shared = {name for name in api if name.startswith("USERTRAIL_KAFKA_") or name == "USERTRAIL_MONGODB_URI"}
    assert len(shared) == 5 and all(api[name] == worker[name] for name in shared)
    assert api["USERTRAIL_KAFKA_PARTITIONS"] >= services["worker"]["deploy"]["replicas"] == 2
    assert api["USERTRAIL_KAFKA_REPLICATION"] == 1
    assert services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{api['USERTRAIL_KAFKA_BROKERS']}"
