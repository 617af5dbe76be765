"""Frames as bytes, written by hand from the layout."""

from __future__ import annotations

from ecskit._data_channel.frames import Frame

UUID = 0xDD01E56B_FF48_483E_A508_B5F073F31B16
OTHER_UUID = 0x00112233_4455_6677_8899_AABBCCDDEEFF
CREATED = 1503434274948

_SWAPPED = "a508b5f073f31b16dd01e56bff48483e"
_DATE = "0000015e0baa7884"
_INPUT = "00000074696e7075745f73747265616d5f64617461202020202020202020202020202020"

ACKNOWLEDGED = (
    b'{"AcknowledgedMessageType":"output_stream_data",'
    b'"AcknowledgedMessageId":"dd01e56b-ff48-483e-a508-b5f073f31b16",'
    b'"AcknowledgedMessageSequenceNumber":7,"IsSequentialMessage":true}'
)
CLOSED = (
    b'{"MessageId":"dd01e56b-ff48-483e-a508-b5f073f31b16","CreatedDate":"1503434274948","DestinationId":"d",'
    b'"SessionId":"s","MessageType":"channel_closed","SchemaVersion":1,"Output":""}'
)

VECTORS: dict[str, tuple[bytes, Frame]] = {
    "input": (
        bytes.fromhex(
            f"{_INPUT}00000001{_DATE}00000000000000010000000000000002{_SWAPPED}"
            "239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e500000000000000077061796c6f6164"
        ),
        Frame(
            message_type="input_stream_data",
            message_id=UUID,
            created=CREATED,
            number=1,
            flags=2,
            payload_type=0,
            payload=b"payload",
        ),
    ),
    "size": (
        bytes.fromhex(
            f"{_INPUT}00000001{_DATE}00000000000000000000000000000000{_SWAPPED}"
            "d53ca1ea7dce87c11432052a8550ed2615cf715ca843c89710ed83325b691cba"
            "00000003000000157b22636f6c73223a38302c22726f7773223a32347d"
        ),
        Frame(
            message_type="input_stream_data",
            message_id=UUID,
            created=CREATED,
            payload_type=3,
            payload=b'{"cols":80,"rows":24}',
        ),
    ),
    "output": (
        bytes.fromhex(
            "000000746f75747075745f73747265616d5f646174612020202020202020202020202020"
            f"00000001{_DATE}00000000000000070000000000000000{_SWAPPED}"
            "64da669b12bbeda0ca8f2840891bd8834e5b8206f24c7703e20ac1d472612b0e0000000100000004c3a90d0a"
        ),
        Frame(
            message_type="output_stream_data",
            message_id=UUID,
            created=CREATED,
            number=7,
            payload_type=1,
            payload="é\r\n".encode(),
        ),
    ),
    "acknowledge": (
        bytes.fromhex(
            "0000007461636b6e6f776c65646765202020202020202020202020202020202020202020"
            f"00000001{_DATE}000000000000000000000000000000038899aabbccddeeff0011223344556677"
            "bb487a3f076aac75c3a35b6e402d2e44ccdd9844ac4e5b2007e8b4ac8f1d8f3100000000000000b0"
        )
        + ACKNOWLEDGED,
        Frame(
            message_type="acknowledge",
            message_id=OTHER_UUID,
            created=CREATED,
            flags=3,
            payload_type=0,
            payload=ACKNOWLEDGED,
        ),
    ),
    "channel_closed": (
        bytes.fromhex(
            "000000706368616e6e656c5f636c6f736564000000000000000000000000000000000000"
            f"00000001{_DATE}00000000000000000000000000000003{_SWAPPED}"
            "f7330c7ea82d9b76206fa3c8ba3941538fabb97d53b4df0fd63649d21d0ab667000000b3"
        )
        + CLOSED,
        Frame(message_type="channel_closed", message_id=UUID, created=CREATED, flags=3, payload=CLOSED),
    ),
}
