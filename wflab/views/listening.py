"""Whether anybody hears what is sent to the page."""

from IPython import get_ipython


def kernel_listens() -> bool:
    """False once a kernel has stopped the thread that sends for all others: whoever sends then does so himself, and two at once garble each other's messages.

    The page knows by then that its kernel is gone.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    sender = getattr(getattr(kernel, "iopub_thread", None), "thread", None)
    return sender is None or bool(sender.is_alive())
