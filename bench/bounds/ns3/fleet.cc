#include "fleet.h"

#include "table_routing.h"

#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/traffic-control-helper.h>

#include <ctime>
#include <malloc.h>

using namespace ns3;

namespace
{
const uint32_t CLIENT_NET = 0x0a000000, ACCESS_NET = 0xac100000, SERVER_NET = 0xc0a80000;
const uint32_t LINK_ADDRESSES = 4; // of a /30
const double LOSS = 0.01, START_FROM_S = 0.1, START_SPREAD_S = 10, LAST_ANSWER_S = 70;

uint64_t cpu_ns()
{
    timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return uint64_t(t.tv_sec) * 1000000000 + uint64_t(t.tv_nsec);
}

// An end of a link: its interface, and the address that the other end knows it by.
struct port {
    Ptr<Node> node;
    uint32_t interface;
    Ipv4Address address;
};

class fleet
{
  public:
    explicit fleet(const fleet_plan &);
    tally counts = {};

  private:
    const fleet_plan plan;
    uint32_t fan = 1, access_count = 0;
    NodeContainer clients, access;
    Ptr<Node> core, server;
    PointToPointHelper edge, trunk;
    ObjectFactory loss;
    Ipv4StaticRoutingHelper list_routing;

    void count_routers();
    void make_nodes();
    void describe_links();
    void join(NetDeviceContainer, uint32_t net, port ends[2]) const;
    port put_address(Ptr<NetDevice>, uint32_t address) const;
    void set_default(const port &from, const port &to);
    void join_server();
    void join_access(uint32_t number);
    void join_client(uint32_t number);
    void add_applications();
};

void fleet::count_routers()
{
    while (uint64_t(fan) * fan < plan.clients)
        fan *= 2;
    access_count = plan.star ? 0 : (plan.clients + fan - 1) / fan;
}

void fleet::make_nodes()
{
    InternetStackHelper stack;

    if (plan.lean) {
        stack.SetRoutingHelper(table_routing_helper());
        stack.SetIpv6StackInstall(false);
    } else {
        stack.SetRoutingHelper(list_routing);
    }
    clients.Create(plan.clients);
    access.Create(access_count);
    core = CreateObject<Node>();
    server = CreateObject<Node>();
    stack.Install(clients);
    stack.Install(access);
    stack.Install(core);
    stack.Install(server);
}

void fleet::describe_links()
{
    edge.SetDeviceAttribute("DataRate", StringValue("100Mbps"));
    edge.SetChannelAttribute("Delay", StringValue("20ms"));
    trunk.SetDeviceAttribute("DataRate", StringValue("100Gbps"));
    trunk.SetChannelAttribute("Delay", StringValue("1us"));
    trunk.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("100000p"));
    if (plan.lean) {
        edge.DisableFlowControl();
        trunk.DisableFlowControl();
    }
    loss.SetTypeId("ns3::RateErrorModel");
    loss.Set("ErrorRate", DoubleValue(LOSS));
    loss.Set("ErrorUnit", EnumValue(RateErrorModel::ERROR_UNIT_PACKET));
}

port fleet::put_address(Ptr<NetDevice> device, uint32_t address) const
{
    Ptr<Ipv4> ip = device->GetNode()->GetObject<Ipv4>();
    uint32_t interface;

    if (!plan.lean)
        TrafficControlHelper::Default().Install(device);
    interface = ip->AddInterface(device);
    ip->AddAddress(interface, Ipv4InterfaceAddress(Ipv4Address(address), Ipv4Mask("/30")));
    ip->SetMetric(interface, 1);
    ip->SetUp(interface);
    return {device->GetNode(), interface, Ipv4Address(address)};
}

void fleet::join(NetDeviceContainer devices, uint32_t net, port ends[2]) const
{
    for (uint32_t i = 0; i < 2; i++)
        ends[i] = put_address(devices.Get(i), net + 1 + i);
}

void fleet::set_default(const port &from, const port &to)
{
    Ptr<Ipv4> ip = from.node->GetObject<Ipv4>();

    if (plan.lean)
        table_routing_of(from.node)->set_default(from.interface, to.address);
    else
        list_routing.GetStaticRouting(ip)->SetDefaultRoute(to.address, from.interface);
}

void fleet::join_server()
{
    port ends[2]; // core, server

    join(trunk.Install(core, server), SERVER_NET, ends);
    set_default(ends[1], ends[0]);
    if (plan.lean) {
        uint32_t shift = 2;

        while (!plan.star && (1u << shift) < LINK_ADDRESSES * fan)
            shift++;
        table_routing_of(core)->set_subnets(CLIENT_NET, shift);
        table_routing_of(core)->set_default(ends[0].interface, Ipv4Address::GetZero());
    }
}

void fleet::join_access(uint32_t number)
{
    Ptr<Node> router = access.Get(number);
    uint32_t net = CLIENT_NET + LINK_ADDRESSES * fan * number;
    port ends[2]; // access router, core

    join(trunk.Install(router, core), ACCESS_NET + LINK_ADDRESSES * number, ends);
    set_default(ends[0], ends[1]);
    if (plan.lean) {
        table_routing_of(core)->add(ends[1].interface, ends[0].address);
        table_routing_of(router)->set_subnets(net, 2);
    } else {
        list_routing.GetStaticRouting(core->GetObject<Ipv4>())
            ->AddNetworkRouteTo(Ipv4Address(net), Ipv4Mask(~(LINK_ADDRESSES * fan - 1)),
                                ends[0].address, ends[1].interface);
    }
}

void fleet::join_client(uint32_t number)
{
    Ptr<Node> router = plan.star ? core : access.Get(number / fan);
    NetDeviceContainer devices = edge.Install(clients.Get(number), router);
    port ends[2]; // client, router

    for (uint32_t i = 0; i < 2; i++)
        devices.Get(i)->SetAttribute("ReceiveErrorModel", PointerValue(loss.Create<ErrorModel>()));
    join(devices, CLIENT_NET + LINK_ADDRESSES * number, ends);
    set_default(ends[0], ends[1]);
    if (plan.lean)
        table_routing_of(router)->add(ends[1].interface, Ipv4Address::GetZero());
}

void fleet::add_applications()
{
    Ptr<UniformRandomVariable> random = CreateObject<UniformRandomVariable>();
    Ipv4Address address(SERVER_NET + 2);

    for (uint32_t i = 0; i < plan.clients; i++) {
        Ptr<exchange_client> client = Create<exchange_client>(address, &counts);

        clients.Get(i)->AddApplication(client);
        client->SetStartTime(Seconds(random->GetValue(START_FROM_S, START_SPREAD_S)));
    }
    server->AddApplication(CreateObject<exchange_server>());
}

fleet::fleet(const fleet_plan &plan) : plan(plan)
{
    count_routers();
    make_nodes();
    describe_links();
    join_server();
    for (uint32_t i = 0; i < access_count; i++)
        join_access(i);
    for (uint32_t i = 0; i < plan.clients; i++)
        join_client(i);
    add_applications();
}
} // namespace

fleet_cost fleet_run(const fleet_plan &plan, bool setup_only)
{
    fleet_cost cost = {};

    malloc_trim(0); // set-up pays for fresh pages, as that of a program of its own does
    // Of two models of an end system, the one that looks at one interface and not at all.
    Config::SetDefault("ns3::Ipv4::WeakEsModel", BooleanValue(!plan.lean));
    {
        uint64_t start = cpu_ns();
        fleet made(plan);

        cost.setup_ns = cpu_ns() - start;
        if (!setup_only) {
            Simulator::Stop(Seconds(START_SPREAD_S + LAST_ANSWER_S));
            start = cpu_ns();
            Simulator::Run();
            cost.run_ns = cpu_ns() - start;
            cost.events = Simulator::GetEventCount();
            cost.counts = made.counts;
        }
        Simulator::Destroy();
    }
    return cost;
}
