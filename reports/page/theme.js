// Light or dark: as the system says, until the reader says otherwise.

class Theme {
  constructor() {
    this.button = button("", "light or dark (L)", () => this.toggle());
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", () => this.tell());
    this.system = system;
    this.tell();
  }

  dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : this.system.matches;
  }

  toggle() {
    document.documentElement.dataset.theme = this.dark() ? "light" : "dark";
    this.tell();
  }

  tell() {
    this.button.textContent = this.dark() ? "☀ light" : "☾ dark";
  }
}
