"""The keys that work now, at the foot of a screen."""

from __future__ import annotations

from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Footer

from ibtui.textual_private import footer_is_made


class KeysFooter(Footer):
    """Textual's footer, made again only where other keys are shown, without references to the keys that it showed.

    Textual's own binds each key to its `compact` and forgets none of them until that changes, which it never does:
    50 kB for each key, at each change of the focus.
    """

    def __init__(self) -> None:
        super().__init__(compact=True)
        self._shown: list[tuple[Binding, bool, str]] | None = None

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Other keys work."""
        shown = [
            (binding, enabled, tooltip)
            for _, binding, enabled, tooltip in screen.active_bindings.values()
            if binding.show or binding.key == self.app.COMMAND_PALETTE_BINDING
        ]
        if shown == self._shown and footer_is_made(self):
            return
        if screen.app.app_focus and self.is_attached and screen is self.screen:
            self._shown = shown
        super().bindings_changed(screen)

    async def recompose(self) -> None:
        """Make it again, and release the keys before."""
        await super().recompose()
        self.mutate_reactive(Footer.compact)
