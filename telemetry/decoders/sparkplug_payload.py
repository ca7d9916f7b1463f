"""The bytes of Sparkplug B, read by Google's protobuf runtime with the field numbers of its specification (3.0).

Only the fields that readings need are declared (section 6.4.1, `sparkplug_b.proto`); the others are skipped unread.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from telemetry.decoders.saying import MAX_READINGS, Refused
from telemetry.model import Reason

_FIELD = descriptor_pb2.FieldDescriptorProto
_METRIC = {
    "name": (1, _FIELD.TYPE_STRING),
    "alias": (2, _FIELD.TYPE_UINT64),
    "timestamp": (3, _FIELD.TYPE_UINT64),
    "datatype": (4, _FIELD.TYPE_UINT32),
    "is_null": (7, _FIELD.TYPE_BOOL),
    "int_value": (10, _FIELD.TYPE_UINT32),
    "long_value": (11, _FIELD.TYPE_UINT64),
    "float_value": (12, _FIELD.TYPE_FLOAT),
    "double_value": (13, _FIELD.TYPE_DOUBLE),
    "boolean_value": (14, _FIELD.TYPE_BOOL),
    "string_value": (15, _FIELD.TYPE_STRING),
}
VALUES = ("int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value")
_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
"""Of Int8 to Int64: they travel in unsigned fields."""


def payload(**fields: Any) -> Any:
    """A new payload: timestamp (milliseconds), metrics, seq."""
    return _PAYLOAD(**fields)


def parse(raw: bytes) -> Any:
    """A received payload; raises `Refused`."""
    found = _PAYLOAD()
    try:
        found.ParseFromString(raw)
    except (DecodeError, ValueError):  # ValueError: a text that is not UTF-8
        raise Refused(Reason.MALFORMED, "not a Sparkplug payload") from None
    if len(found.metrics) > MAX_READINGS:
        raise Refused(Reason.TOO_LARGE, f"{len(found.metrics)} metrics")
    return found


def value_of(metric: Any, datatype: int) -> float | bool | str | None:
    """What a metric says, with the sign that its datatype gives a whole number; None for null and for other kinds."""
    if metric.is_null:
        return None
    for field in VALUES:
        if metric.HasField(field):
            value: float | bool | str = getattr(metric, field)
            bits = _SIGNED_BITS.get(datatype)
            if bits is not None and type(value) is int:
                value &= (1 << bits) - 1
                return value - (1 << bits) if value >> (bits - 1) else value
            return value
    return None


def _declare() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(
        name="moyai/sparkplug_b.proto", package="moyai.sparkplug", syntax="proto2"
    )
    outer = file.message_type.add(name="Payload")
    _add_fields(outer, {"timestamp": (1, _FIELD.TYPE_UINT64), "seq": (3, _FIELD.TYPE_UINT64)})
    metrics = outer.field.add(name="metrics", number=2, type=_FIELD.TYPE_MESSAGE, label=_FIELD.LABEL_REPEATED)
    metrics.type_name = ".moyai.sparkplug.Payload.Metric"
    _add_fields(outer.nested_type.add(name="Metric"), _METRIC)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("moyai.sparkplug.Payload"))


def _add_fields(to: descriptor_pb2.DescriptorProto, fields: Mapping[str, tuple[int, Any]]) -> None:
    for name, (at, kind) in fields.items():
        to.field.add(name=name, number=at, type=kind, label=_FIELD.LABEL_OPTIONAL)


_PAYLOAD: Any = _declare()
