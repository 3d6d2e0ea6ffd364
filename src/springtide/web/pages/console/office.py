"""Addresses of the office: the policy, the simulator, and running the house."""

from springtide.web.pages.console import policy
from springtide.web.pages.console.door import Reception
from springtide.web.pages.console.drafts import Drafts
from springtide.web.pages.console.policy import Editor
from springtide.web.pages.shared.call import Handler

HOME = "/console/{program}"


def office(staff: Reception) -> dict[str, Handler]:
    """All of them, with what may be done by whoever opens one."""
    editor, drafts = Editor(), Drafts()
    return {
        f"{HOME}/policy": staff.needed("read", policy.show),
        f"{HOME}/policy/versions/{{number}}": staff.needed("read", policy.version),
        f"{HOME}/policy/edit": staff.needed("policy.draft", editor.show),
        f"POST {HOME}/policy/edit": staff.needed("policy.draft", editor.send),
        f"{HOME}/policy/drafts/{{number}}": staff.needed("read", drafts.show),
        f"POST {HOME}/policy/drafts/{{number}}/{{act}}": staff.needed("read", drafts.act),
    }
