"""What a device's account may do at the broker, whatever broker it is: speak for itself, and hear what is said to it.

Under `moyai/<coop>/<address>`, or the topic that it cannot be talked out of. Nothing else: a plug that was taken out of
the wall and opened tells its finder one password, for one plug.
"""

from dataclasses import dataclass

SPARKPLUG = "spBv1.0/"
COMMANDS = ("command/#", "rpc", "cmnd/#")
"""Below its own topic, what is said to a device: ours, a Shelly's, a Tasmota's."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Topic filters. `silent` are exceptions from `publish`: a device does not command itself."""

    publish: tuple[str, ...]
    silent: tuple[str, ...]
    subscribe: tuple[str, ...]


def rights_of(slug: str, address: str, topic: str | None, *, hears_commands: bool) -> Rights:
    """The rights of the device at `address` of the cooperative `slug`, which may have a `topic` of its own.

    An edge node of Sparkplug always hears its commands: it is asked by one to be born again.
    """
    if topic is not None and topic.startswith(SPARKPLUG):
        publish, told = _of_edge_node(topic)
        ours = rights_of(slug, address, None, hears_commands=hears_commands)
        return Rights((*ours.publish, publish), (*ours.silent, *told), (*ours.subscribe, *told))
    own = [f"moyai/{slug}/{address}", *([] if topic is None else [topic])]
    commands = tuple(f"{each}/{command}" for each in own for command in COMMANDS)
    return Rights(tuple(f"{each}/#" for each in own), commands, commands if hears_commands else ())


def _of_edge_node(topic: str) -> tuple[str, tuple[str, ...]]:
    """Sparkplug's topics have the message type in their middle: `spBv1.0/<group>/<type>/<node>`. What it publishes, and
    what is said to it."""
    prefix, group, *rest = topic.split("/")

    def with_type(kind: str) -> str:
        return "/".join([prefix, group, kind, *rest, "#"])

    return with_type("+"), (with_type("NCMD"), with_type("DCMD"))
