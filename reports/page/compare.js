// Two runs beside each other: what differs in numbers. Both begin at 0 s and share one slider.

const COUNTED = [
  ["messages", (model) => model.messages.rows, ""],
  ["IKE messages", (model) => tally(model.messages.kind, (kind) => kind === 0), ""],
  ["ESP packets", (model) => tally(model.messages.kind, (kind) => kind === 1), ""],
  ["NAT keepalives", (model) => tally(model.messages.kind, (kind) => kind === 2), ""],
  ["lost or dropped", (model) => tally(model.messages.problem, (bits) => bits & 1), "less"],
  ["retransmissions", (model) => tally(model.messages.problem, (bits) => bits & 2), "less"],
  ["error notifications", (model) => tally(model.messages.problem, (bits) => bits & 8), "less"],
  [
    "requests given up",
    (model) => tally(model.island.ladders.given_up || [], (t) => t >= 0),
    "less",
  ],
  ["NAT mappings made", (model) => model.island.nat.rows, ""],
];

function tally(column, test) {
  let number = 0;
  for (const value of column) if (test(value)) number++;
  return number;
}

/** A column for each number; thresholds and the other results stand in their own table below. */
function numbersOfTwo([a, b]) {
  const numbers = COUNTED.map(([name, of, better]) => ({
    name,
    a: of(a),
    b: of(b),
    better,
  })).filter((n) => n.a || n.b);
  return html(
    "div",
    { class: "numbers", tabindex: 0, role: "group", "aria-label": "what differs in numbers" },
    table(
      ["", ...numbers.map((n) => "#" + n.name)],
      [
        ["A", ...numbers.map((n) => count(n.a))],
        ["B", ...numbers.map((n) => count(n.b))],
        ["B − A", ...numbers.map(differenceOf)],
      ],
    ),
  );
}

function differenceOf({ a, b, better }) {
  const difference = b - a;
  if (!difference) return "same";
  const look = better ? (difference < 0 ? "better" : "worse") : null;
  return html(
    "span",
    { class: look },
    `${difference > 0 ? "+" : "−"}${count(Math.abs(difference))}`,
  );
}
