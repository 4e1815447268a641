using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting.Tests.Stores;

public sealed class RedisAddressTests
{
    [Theory]
    [InlineData("127.0.0.1:1,ca=/no/such/file.pem", "ca=/no/such/file.pem", "PEM")]
    [InlineData("127.0.0.1:1,passwordFile=/no/such/file", "passwordFile=/no/such/file", "can read")]
    [InlineData("127.0.0.1:1,cert=/no/such/file.pem", "cert=", "key=")]
    [InlineData("127.0.0.1:1,key=/no/such/file.pem", "cert=", "key=")]
    [InlineData("ssl=true", "HOST:PORT")]
    [InlineData("127.0.0.1:1,sll=true,password=hidden", "sll")]
    [InlineData("//user:hidden@127.0.0.1:1/0", "it is a URL", "HOST:PORT", "password=")]
    [InlineData("rediss://:hidden@127.0.0.1:1", "it is a URL")]
    [InlineData("//:hidden=@127.0.0.1:1", "it is a URL")]
    public void Parse_WhatCannotBeUsed_IsNamed(string address, params string[] named)
    {
        var message = Should.Throw<StoreException>(() => RedisAddress.Parse(address)).Message;

        foreach (var one in named)
        {
            message.ShouldContain(one);
        }

        message.ShouldNotContain("hidden");
        new MetaRouterOptions { Store = "redis:" + address }.Problems().ShouldHaveSingleItem().ShouldStartWith("Store '");
    }

    /// <summary>A store that is none is told, and not the password that its address has in it.</summary>
    [Theory]
    [InlineData("rediss://:hidden@127.0.0.1:1")]
    [InlineData("redsi:127.0.0.1:1,password=hidden")]
    [InlineData("cluster:127.0.0.1:1,password=hidden")]
    public void Problems_OfAStoreThatIsNone_HaveNoPassword(string store)
    {
        var problem = new MetaRouterOptions { Store = store }.Problems().ShouldHaveSingleItem();

        problem.ShouldStartWith("Store is '");
        problem.ShouldContain("127.0.0.1:1");
        problem.ShouldNotContain("hidden");
    }

    /// <summary>Where it is not there, port 0 would be knocked at and named.</summary>
    [Theory]
    [InlineData("redis.example", "redis.example:6379")]
    [InlineData("127.0.0.1,ssl=true", "127.0.0.1:6380")]
    [InlineData("one:7000,two", "one:7000", "two:6379")]
    [InlineData("one,tunnel=http://two:3128", "one:6379")]
    public void Parse_HostWithoutPort_HasTheUsualOne(string address, params string[] hosts) => RedisAddress.Parse(address).EndPoints.Select(RedisReach.Name).ShouldBe(hosts);

    [Theory]
    [InlineData("127.0.0.1:1,password=hidden", "127.0.0.1:1")]
    [InlineData("password=hidden,127.0.0.1:1", "127.0.0.1:1")]
    [InlineData("redis://user:hidden@127.0.0.1:1", "127.0.0.1:1")]
    [InlineData("redis://user:hid,den@127.0.0.1:1", "127.0.0.1:1")]
    [InlineData("redis://:hidden=@127.0.0.1:1,ssl=true", "127.0.0.1:1")]
    [InlineData("redis://127.0.0.1:1,password=hid@den", "")]
    [InlineData("redis:127.0.0.1:1,ssl=true", "redis:127.0.0.1:1")]
    public void Shown_NeverHasAPassword(string address, string shown) => RedisAddress.Shown(address).ShouldBe(shown);
}
