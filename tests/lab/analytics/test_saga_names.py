"""Which call undoes which, by their names."""

import pytest

from wflab.analytics.saga_names import likeness, pairs_by_name, undoing_of, words_of


@pytest.mark.parametrize(
    ("undo", "step"),
    [
        ("cancel_hotel", "book_hotel"),
        ("CancelHotel", "BookHotel"),
        ("cancelHotelBooking", "bookHotel"),
        ("refund_card", "charge_card"),
        ("refund", "charge_card"),
        ("RefundPaymentActivity", "ChargePaymentActivity"),
        ("release_stock", "reserve_stock"),
        ("undo_ship", "ship"),
        ("ship_undo", "ship"),
        ("revert-transfer", "transfer"),
        ("rollback_create_user", "create_user"),
        ("roll_back_create_user", "create_user"),
        ("compensate_payment", "process_payment"),
        ("payment_compensation", "process_payment"),
        ("hotel_cancellation", "book_hotel"),
    ],
)
def test_an_undo_is_known_by_its_name(undo: str, step: str) -> None:
    assert likeness(undo, step) > 0


@pytest.mark.parametrize(
    ("undo", "step"),
    [
        ("cancel_flight", "book_hotel"),
        ("book_hotel", "cancel_hotel"),
        ("canceled_report", "report"),
        ("send_mail", "book_hotel"),
        ("cancel", "ship"),
        ("", "book"),
        ("cancel_hotel", ""),
        ("cancel_hotel", "cancel_hotel"),
    ],
)
def test_what_only_sounds_alike_is_no_undo(undo: str, step: str) -> None:
    assert likeness(undo, step) == 0


def test_names_fall_into_words_however_they_are_written() -> None:
    assert words_of("CancelHTTPBooking2") == ("cancel", "http", "booking", "2")
    assert words_of("cancel-the_hotel") == ("cancel", "hotel")
    assert undoing_of("notify") is None


def test_of_equals_the_last_step_is_undone_first() -> None:
    steps = ["book_room", "book_room", "charge"]
    assert pairs_by_name(steps, ["refund", "cancel_room", "cancel_room", "cancel_room"]) == {0: 2, 1: 1, 2: 0}
