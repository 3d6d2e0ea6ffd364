// Small state of the pages: dialogs, copying, printing. Works with Alpine's CSP build, which knows
// components by name and evaluates nothing.
document.addEventListener("alpine:init", () => {
  Alpine.data("sheet", () => ({
    open() { this.$refs.dialog.showModal(); },
    close() { this.$refs.dialog.close(); },
  }));
  Alpine.data("paper", () => ({ print() { window.print(); } }));
  Alpine.data("copy", () => ({
    done: false,
    async copy() {
      await navigator.clipboard.writeText(this.$root.dataset.text);
      this.done = true;
    },
  }));
});
