#include "exchange.h"

#include <ns3/core-module.h>
#include <ns3/internet-module.h>

using namespace ns3;

namespace
{
enum {
    PORT = 500,
    MESSAGES = 4,
    INITIAL_BYTES = 400,
    LATER_BYTES = 250,
    RETRANSMISSIONS_MAX = 5,
};

// The first byte is the number of the message, the others are zero.
Ptr<Packet> write_message(uint8_t number)
{
    const uint8_t bytes[INITIAL_BYTES] = {number};

    return Create<Packet>(bytes, number <= 2 ? INITIAL_BYTES : LATER_BYTES);
}

uint8_t read_message(Ptr<Packet> packet)
{
    uint8_t number = 0;

    packet->CopyData(&number, 1);
    return number;
}
} // namespace

void exchange_client::StartApplication()
{
    socket = Socket::CreateSocket(GetNode(), UdpSocketFactory::GetTypeId());
    socket->Bind();
    socket->Connect(InetSocketAddress(server, PORT));
    socket->SetRecvCallback(MakeCallback(&exchange_client::receive, this));
    ask();
}

void exchange_client::ask()
{
    socket->Send(write_message(message));
    counts->asked++;
    timer = Simulator::Schedule(Seconds(1 << tries), &exchange_client::expire, this);
}

void exchange_client::expire()
{
    if (++tries > RETRANSMISSIONS_MAX) {
        counts->failed++;
        return;
    }
    counts->retransmissions++;
    ask();
}

void exchange_client::receive(Ptr<Socket> from)
{
    while (Ptr<Packet> packet = from->Recv()) {
        uint8_t number = read_message(packet);

        if (number != message + 1 || tries > RETRANSMISSIONS_MAX)
            continue; // heard before, or too late
        Simulator::Cancel(timer);
        tries = 0;
        message = number + 1;
        if (number < MESSAGES)
            ask();
        else
            counts->completed++;
    }
}

void exchange_client::DoDispose()
{
    socket = nullptr;
    Application::DoDispose();
}

void exchange_server::StartApplication()
{
    socket = Socket::CreateSocket(GetNode(), UdpSocketFactory::GetTypeId());
    socket->Bind(InetSocketAddress(Ipv4Address::GetAny(), PORT));
    socket->SetRecvCallback(MakeCallback(&exchange_server::receive, this));
}

void exchange_server::receive(Ptr<Socket> at)
{
    Address from;

    while (Ptr<Packet> packet = at->RecvFrom(from))
        at->SendTo(write_message(read_message(packet) + 1), 0, from);
}

void exchange_server::DoDispose()
{
    socket = nullptr;
    Application::DoDispose();
}
