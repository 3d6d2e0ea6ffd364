"""Forms that are sent once: each has an id that was made when it was shown."""

import re
import threading
from collections import OrderedDict

from springtide.web.pages.shared.call import Call, Missing

MOST_KEPT = 10_000

_ID = re.compile(r"[0-9a-f]{32}")


class Once:
    """The ids of forms that were sent; the same form again does nothing a second time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: OrderedDict[str, None] = OrderedDict()

    def is_first(self, call: Call) -> bool:
        """Whether the form of a call comes for the first time.

        Raises:
            Missing: it is not one of our forms.
        """
        id_ = call.form.get("id", "")
        if not _ID.fullmatch(id_):
            raise Missing
        with self._lock:
            if id_ in self._sent:
                return False
            self._sent[id_] = None
            if len(self._sent) > MOST_KEPT:
                self._sent.popitem(last=False)
        return True
