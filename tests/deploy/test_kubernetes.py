"""What kustomize builds of each folder: valid by Kubernetes' own schemas, and fitting together."""

import json
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest

import deployment

VERSIONS = ("1.30", "1.37")  # the oldest and the newest that the files are meant for
# Resources of others, which Kubernetes has no schema for.
OWN_SCHEMAS = {"ScaledObject": Path(__file__).with_name("scaled_object.schema.json")}
BEHAVIOR_OF = ("autoscaling/v2", "HorizontalPodAutoscaler")
POD_LIMITS = {"cpu", "memory"}


def name_of(resource):
    return f"{resource['kind']} {resource['metadata']['name']}"


@pytest.fixture(params=deployment.BUILDS)
def build(request):
    return request.param


@pytest.fixture(params=[(build, name_of(workload)) for build in deployment.BUILDS for workload in deployment.workloads(build)],
                ids=lambda pair: f"{pair[0]} {pair[1]}")
def workload(request):
    """Each workload of each build, with the build's name at hand."""
    build, name = request.param
    found = next(one for one in deployment.workloads(build) if name_of(one) == name)
    return {**found, "build": build, "ours": found in deployment.workloads(build, ours=True)}


def test_every_folder_is_looked_at():
    """Guards against an overlay that no test builds."""
    folders = {str(path.parent.relative_to(deployment.KUBERNETES)) for path in deployment.KUBERNETES.rglob("kustomization.yaml")}
    assert folders == set(deployment.BUILDS)


@pytest.mark.parametrize("version", VERSIONS)
def test_resources_follow_the_schemas(build, version):
    """Guards members and types of every resource, with no member that the schema does not know."""
    for resource in deployment.built(build):
        if resource["kind"] in OWN_SCHEMAS:
            jsonschema.validate(resource, json.loads(OWN_SCHEMAS[resource["kind"]].read_text()))
        else:
            kubernetes_validate.validate(resource, version, strict=True)


def test_the_scaling_behaviour_follows_the_schema():
    """Guards the part of a ScaledObject that is an autoscaler's, by the schema of one."""
    spec = scaled_object()["spec"]
    autoscaler = {"apiVersion": BEHAVIOR_OF[0], "kind": BEHAVIOR_OF[1], "metadata": {"name": "x"},
                  "spec": {"maxReplicas": 1, "scaleTargetRef": {"kind": "Deployment", "name": "x"},
                           "behavior": spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]}}
    kubernetes_validate.validate(autoscaler, VERSIONS[-1], strict=True)


def test_everything_is_in_the_namespace(build):
    """Guards against a resource that lands somewhere else, and a namespace that takes pods with more rights."""
    for resource in deployment.built(build):
        if resource["kind"] == "Namespace":
            assert resource["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        else:
            assert resource["metadata"]["namespace"] == "usertrail", name_of(resource)
    assert len(deployment.of_kind(build, "Namespace")) == 1


def test_pods_have_no_rights(workload):
    """Guards what the profile "restricted" wants, so that the namespace takes them, and what it forgets."""
    pod, container = deployment.pod_of(workload), deployment.container_of(workload)
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True and context["runAsUser"] > 0 and context["runAsGroup"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["enableServiceLinks"] is False and pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    allowed = {"configMap", "emptyDir", "secret", "persistentVolumeClaim"}
    assert all(set(volume) - {"name"} <= allowed for volume in pod.get("volumes", []))


def test_pods_are_bounded(workload):
    """Guards the node: requests and limits of CPU and memory."""
    resources = deployment.container_of(workload)["resources"]
    assert set(resources["requests"]) == set(resources["limits"]) == POD_LIMITS
    for side in ("requests", "limits"):
        assert resources[side]["memory"].endswith("i")
    assert deployment.bytes_of(resources["requests"]["memory"]) <= deployment.bytes_of(resources["limits"]["memory"])


def test_images_are_pinned(workload):
    """Guards against another version from one day to the next, and against servers of another version than compose's."""
    image = deployment.container_of(workload)["image"]
    if workload["ours"]:
        project = (deployment.ROOT / "CMakeLists.txt").read_text()
        assert f"project(usertrail VERSION {image.rsplit(':', 1)[1]} " in project
    else:
        assert image in {service["image"] for service in deployment.compose_services(ours=False).values()}


def test_the_pod_fits_the_image(workload):
    """Guards that user, port and folder are those of the image, and that nothing but the folder can be written."""
    if not workload["ours"]:
        return
    context, container = deployment.pod_of(workload)["securityContext"], deployment.container_of(workload)
    assert (context["runAsUser"], context["runAsGroup"]) == deployment.image_user()
    assert context["fsGroup"] == deployment.image_user()[1]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["ports"] == [{"name": "http", "containerPort": deployment.image_port()}]
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert writable == [deployment.image_data()]
    assert "command" not in container and "args" not in container


def test_probes_ask_what_is_there(workload):
    """Guards the paths of the probes, and that a dependency that is away never has a pod restarted."""
    container = deployment.container_of(workload)
    ports = {port["name"] for port in container["ports"]}
    for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        asked = container[probe].get("httpGet") or container[probe]["tcpSocket"]
        assert asked["port"] in ports
        if workload["ours"]:
            assert asked == {"path": path, "port": "http"}


def test_there_is_time_to_end(workload):
    """Guards the drain, the spill and the batch at hand against SIGKILL; and that the address stays open while nodes hear of it."""
    if not workload["ours"]:
        return
    environment = deployment.pod_environment(workload["build"], workload)
    delay = deployment.seconds_of(environment["USERTRAIL_SHUTDOWN_DELAY"])
    drain = deployment.seconds_of(environment["USERTRAIL_DRAIN_TIMEOUT"])
    assert delay >= 5
    assert deployment.pod_of(workload)["terminationGracePeriodSeconds"] >= delay + drain + 10


def test_volumes_are_there_and_large_enough(workload):
    """Guards that each mount has its volume, and that the volume holds what the settings let the program write."""
    claims = {claim["metadata"]["name"]: claim for claim in workload["spec"].get("volumeClaimTemplates", [])}
    volumes = {volume["name"] for volume in deployment.pod_of(workload).get("volumes", [])} | set(claims)
    mounts = {mount["name"] for mount in deployment.container_of(workload).get("volumeMounts", [])}
    assert mounts == volumes
    if workload["ours"] and claims:
        environment = deployment.pod_environment(workload["build"], workload)
        written = deployment.bytes_of(environment.get("USERTRAIL_SPILL_BYTES") or environment["USERTRAIL_LOG_BYTES"])
        assert deployment.bytes_of(claims["data"]["spec"]["resources"]["requests"]["storage"]) >= 2 * written


def test_selectors_take_pods(build):
    """Guards services, budgets and policies against selecting nobody, and services against naming no port."""
    pods = deployment.workloads(build)
    for resource in deployment.of_kind(build, "Service", "PodDisruptionBudget", "NetworkPolicy"):
        spec = resource["spec"]
        taken = [pod for pod in pods if deployment.matches(spec.get("selector") or spec.get("podSelector"), deployment.labels_of(pod))]
        assert taken, name_of(resource)
        if resource["kind"] != "NetworkPolicy":
            assert len(taken) == 1, f"{name_of(resource)} takes pods of several workloads"
        for port in spec.get("ports", []):
            assert port["targetPort"] in {one["name"] for one in deployment.container_of(taken[0])["ports"]}, name_of(resource)


def test_workloads_take_their_own_pods(workload):
    """Guards selectors against pods of somebody else, and the service that a StatefulSet names."""
    selector = workload["spec"]["selector"]
    taken = [other for other in deployment.workloads(workload["build"]) if deployment.matches(selector, deployment.labels_of(other))]
    assert [name_of(other) for other in taken] == [name_of(workload)]
    if workload["kind"] == "StatefulSet":
        assert deployment.find(workload["build"], "Service", workload["spec"]["serviceName"])


def test_nobody_is_reached_by_default(build):
    """Guards the policy without which the others forbid nothing, and that each server has one that lets its clients in."""
    policies = deployment.of_kind(build, "NetworkPolicy")
    assert any(policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} for policy in policies)
    for workload in deployment.workloads(build):
        entries = [rule for policy in policies for rule in policy["spec"].get("ingress", [])
                   if deployment.matches(policy["spec"]["podSelector"], deployment.labels_of(workload))]
        assert entries, name_of(workload)
        assert all(rule.get("from") and rule.get("ports") for rule in entries), name_of(workload)


def test_who_needs_a_server_is_let_in():
    """Guards the policies of the trial servers: exactly who uses one may reach it, on the port that it has."""
    build = "overlays/kafka-mongodb"
    clients = {name_of(workload) for workload in deployment.workloads(build, ours=True)}
    for server in ("kafka", "mongodb"):
        rule, = deployment.find(build, "NetworkPolicy", server)["spec"]["ingress"]
        peer, = rule["from"]
        let_in = {name_of(one) for one in deployment.workloads(build) if deployment.matches(peer["podSelector"], deployment.labels_of(one))}
        assert let_in == clients and [port["port"] for port in rule["ports"]] == [server]


def test_egress_reaches_the_servers(build):
    """Guards that policies let the program out to the ports that its settings name."""
    for workload in deployment.workloads(build, ours=True):
        brokers = deployment.pod_environment(build, workload).get("USERTRAIL_KAFKA_BROKERS")
        ports = {port["port"] for policy in deployment.of_kind(build, "NetworkPolicy") for rule in policy["spec"].get("egress", [])
                 if deployment.matches(policy["spec"]["podSelector"], deployment.labels_of(workload)) for port in rule["ports"]}
        assert ports == ({53, int(brokers.rsplit(":", 1)[1]), 27017} if brokers else set())


def test_each_workload_has_one_scaler(build):
    """Guards against two that scale the same pods, one that scales nothing, and a number that each apply would set back."""
    scaled = {}
    for scaler in deployment.of_kind(build, "HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        workload = deployment.find(build, target["kind"], target["name"])
        assert name_of(workload) not in scaled, f"{name_of(scaler)} and {scaled[name_of(workload)]}"
        assert "replicas" not in workload["spec"]
        scaled[name_of(workload)] = name_of(scaler)
    for workload in deployment.workloads(build):
        assert name_of(workload) in scaled or workload["spec"]["replicas"] == 1


def scaled_object():
    return deployment.find("overlays/keda", "ScaledObject", "usertrail-worker")


def test_lag_is_measured_where_workers_read():
    """Guards that brokers, topic and group of KEDA are those of the workers."""
    worker = deployment.find("overlays/keda", "Deployment", "usertrail-worker")
    environment = deployment.pod_environment("overlays/keda", worker)
    trigger = scaled_object()["spec"]["triggers"][0]["metadata"]
    assert [trigger["bootstrapServers"], trigger["topic"], trigger["consumerGroup"]] == [
        environment[f"USERTRAIL_KAFKA_{name}"] for name in ("BROKERS", "TOPIC", "GROUP")]
    assert trigger["consumerGroup"] == "usertrail-worker"


def test_no_more_workers_than_partitions():
    """Guards against workers that stand idle, and against fewer than two."""
    for build, kind, least, most in (("base", "HorizontalPodAutoscaler", "minReplicas", "maxReplicas"),
                                     ("overlays/keda", "ScaledObject", "minReplicaCount", "maxReplicaCount")):
        scaler = deployment.find(build, kind, "usertrail-worker")["spec"]
        environment = deployment.pod_environment(build, deployment.find(build, "Deployment", "usertrail-worker"))
        assert 2 <= scaler[least] <= scaler[most] == int(environment["USERTRAIL_KAFKA_PARTITIONS"])


def test_the_topic_fits_the_brokers():
    """Guards against a topic with more replicas than there are brokers, which could not be made, and one that is not replicated."""
    brokers = deployment.find("overlays/kafka-mongodb", "StatefulSet", "kafka")["spec"]["replicas"]
    for build, replicas in (("base", "3"), ("overlays/kafka-mongodb", str(brokers))):
        for workload in deployment.workloads(build, ours=True):
            assert deployment.pod_environment(build, workload)["USERTRAIL_KAFKA_REPLICATION"] == replicas


def test_the_servers_are_where_the_settings_say():
    """Guards the names of the trial servers: those that the base's settings have, from every namespace."""
    build = "overlays/kafka-mongodb"
    for workload in deployment.workloads(build, ours=True):
        brokers = deployment.pod_environment(build, workload)["USERTRAIL_KAFKA_BROKERS"]
        uri = deployment.secret_files(build, workload)["/run/secrets/usertrail/mongodb-uri"]
        assert uri.startswith("mongodb://") and uri.endswith("/usertrail")
        for address, server in ((brokers, "kafka"), (uri.split("/")[2], "mongodb")):
            service = deployment.find(build, "Service", server)
            assert address == f"{server}.{service['metadata']['namespace']}.svc:{service['spec']['ports'][0]['port']}"
    broker = deployment.container_of(deployment.find(build, "StatefulSet", "kafka"))
    assert {"name": "KAFKA_ADVERTISED_LISTENERS", "value": f"PLAINTEXT://{brokers}"} in broker["env"]


def test_embedded_has_nothing_else():
    """Guards the mode without servers: one pod that is all, its service, its settings."""
    kinds = sorted(resource["kind"] for resource in deployment.built("overlays/embedded"))
    assert kinds == ["ConfigMap", "Namespace", "NetworkPolicy", "NetworkPolicy", "Service", "StatefulSet"]
    workload, = deployment.workloads("overlays/embedded")
    environment = deployment.pod_environment("overlays/embedded", workload)
    assert [environment[f"USERTRAIL_{name}"] for name in ("ROLE", "EVENT_LOG", "STORE")] == ["all", "local", "local"]
