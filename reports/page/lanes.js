// Which lifelines the chart has, and their order: the way from initiator to responder. Up to
// LANES_MAX nodes have a lane each; more share one lane for their whole group.

const LANES_MAX = 8;
const PATHS_READ = 4000; // messages whose way is looked at; the ways of a run repeat
const RANK = { initiator: 0, nat: 1, router: 2, responder: 3, attacker: 0 };

/** {names, roles, laneOf(node), grouped} for the messages given. */
function lanesOf(model, shown) {
  const nodes = nodesOf(model, shown);
  const grouped = nodes.size > LANES_MAX;
  const keyOf = grouped ? (node) => model.nodes[node].group : (node) => model.nodes[node].name;
  const order = orderOf(model, shown, keyOf, nodes);
  const place = new Map(order.map((key, i) => [key, i]));
  const lanes = order.map((key) => laneInfo(model, key, keyOf, nodes));
  return { lanes, grouped, laneOf: (node) => place.get(keyOf(node)) };
}

function nodesOf(model, shown) {
  const seen = new Set();
  for (const message of shown) {
    const first = model.messages.first[message];
    for (let hop = first; hop < first + model.messages.count[message]; hop++) {
      if (model.hops.a[hop] >= 0) seen.add(model.hops.a[hop]);
      if (model.hops.b[hop] >= 0) seen.add(model.hops.b[hop]);
    }
    for (const end of [model.fromNode(message), model.towards(message)])
      if (end >= 0) seen.add(end);
  }
  return seen;
}

function laneInfo(model, key, keyOf, nodes) {
  const members = [...nodes].filter((node) => keyOf(node) === key);
  const { role } = model.nodes[members[0]];
  return {
    name: members.length > 1 ? `${key} ×${members.length}` : key,
    role,
    nat: role === "nat",
    members,
  };
}

// The longest way of a message is the backbone; who is not on it comes right after the node that
// sent to him, so that a second NAT box stands beside the first.
function orderOf(model, shown, keyOf, nodes) {
  const ways = waysOf(model, shown, keyOf);
  const order = [];
  for (const way of ways) {
    way.forEach((key, i) => {
      if (order.includes(key)) return;
      const before = i > 0 ? order.indexOf(way[i - 1]) : -1;
      const after = order.indexOf(way[i + 1]);
      if (before >= 0) order.splice(before + 1, 0, key);
      else if (after >= 0) order.splice(after, 0, key);
      else order.push(key);
    });
  }
  for (const node of nodes) if (!order.includes(keyOf(node))) order.push(keyOf(node));
  return order;
}

function waysOf(model, shown, keyOf) {
  const ways = new Map();
  for (let i = 0; i < shown.length && i < PATHS_READ; i++) {
    const way = wayOf(model, shown[i], keyOf);
    ways.set(way.join("\n"), way);
  }
  return [...ways.values()].sort((a, b) => b.length - a.length);
}

function wayOf(model, message, keyOf) {
  const way = [];
  const ranks = [];
  const first = model.messages.first[message];
  for (let hop = first; hop < first + model.messages.count[message]; hop++) {
    for (const node of [model.hops.a[hop], model.hops.b[hop]]) {
      if (node < 0 || way.includes(keyOf(node))) continue;
      way.push(keyOf(node));
      ranks.push(RANK[model.nodes[node].role] ?? 2);
    }
  }
  // Responses go the other way; the initiator stands on the left all the same.
  return ranks[0] > ranks[ranks.length - 1] ? way.reverse() : way;
}
