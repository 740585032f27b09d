namespace Factumerit.Ledger.Tests.Http;

/// <summary>The reports, whole, over books that are written once: a purchase, a grant and a usage.</summary>
public sealed class LedgerEndpointsTests(LedgerEndpointsTests.Books books) : IClassFixture<LedgerEndpointsTests.Books>
{
    public sealed class Books : LedgerService
    {
        public string UsageTransaction { get; private set; } = "";

        public override async Task InitializeAsync()
        {
            await base.InitializeAsync();
            (await PostAsync("/purchases", new { credits_cents = 2500, sales_tax_cents = 259 }, "p")).Expect(201);
            (await PostAsync("/purchases", new { credits_cents = 10, provider = "openai" }, "p2")).Expect(201);
            (await PostAsync("/grants", new { user_id = "u", amount_cents = 500 }, "g")).Expect(201);
            UsageTransaction = (await PostAsync(
                "/usage", new { user_id = "u", amount_cents = 0.0165, request_id = "r", description = "Call" }))
                .Expect(201).Text("transaction_id");
        }
    }

    [Fact]
    public async Task Balances() => (await books.GetAsync("/ledger/balances")).Expect(200).ShouldRead("""
        {"accounts":[
          {"account":"asset:anthropic","type":"asset","balance_cents":2500,"total_debits":0,
           "total_credits":2500,"entry_count":1},
          {"account":"asset:openai","type":"asset","balance_cents":10,"total_debits":0,
           "total_credits":10,"entry_count":1},
          {"account":"equity:capital","type":"equity","balance_cents":-2769,"total_debits":2769,
           "total_credits":0,"entry_count":2},
          {"account":"equity:grants","type":"equity","balance_cents":-500,"total_debits":500,
           "total_credits":0,"entry_count":1},
          {"account":"expense:api","type":"expense","balance_cents":0.0165,"total_debits":0,
           "total_credits":0.0165,"entry_count":1},
          {"account":"expense:sales_tax","type":"expense","balance_cents":259,"total_debits":0,
           "total_credits":259,"entry_count":1},
          {"account":"user:u","type":"user","balance_cents":499.9835,"total_debits":0.0165,
           "total_credits":500,"entry_count":2}],
         "next_after":null}
        """);

    [Fact]
    public async Task A_transaction_with_its_entries() =>
        (await books.GetAsync($"/ledger/transactions/{books.UsageTransaction}")).Expect(200).ShouldRead("""
            {"transaction_id":"<uuid>","description":"Call","reference_type":"llm_call","reference_id":"r",
             "created_at":"<time>","posted_by":{"api_key_id":null,"name":"bootstrap"},"entries":[
              {"id":8,"transaction_id":"<uuid>","account":"user:u","debit_cents":0.0165,"credit_cents":0,
               "description":"Call","reference_type":"llm_call","reference_id":"r","created_at":"<time>",
               "posted_by":{"api_key_id":null,"name":"bootstrap"}},
              {"id":9,"transaction_id":"<uuid>","account":"expense:api","debit_cents":0,"credit_cents":0.0165,
               "description":"Call","reference_type":"llm_call","reference_id":"r","created_at":"<time>",
               "posted_by":{"api_key_id":null,"name":"bootstrap"}}]}
            """);

    [Fact]
    public async Task An_unknown_transaction_is_404()
    {
        (await books.GetAsync($"/ledger/transactions/{Guid.NewGuid()}")).ExpectProblem(404, "not-found");
        (await books.GetAsync("/ledger/transactions/7")).ExpectProblem(404, "not-found");
    }

    [Fact]
    public async Task Integrity() => (await books.GetAsync("/ledger/integrity")).Expect(200).ShouldRead("""
        {"is_balanced":true,"total_debits":3269.0165,"total_credits":3269.0165,"imbalance":0,"entry_count":9,
         "transaction_count":4,"faults":[],"fully_checked_at":"<time>"}
        """);

    [Fact]
    public async Task Summary() => (await books.GetAsync("/ledger/summary")).Expect(200).ShouldRead("""
        {"types":[
          {"type":"user","accounts":1,"debits":0.0165,"credits":500,"net":499.9835,"entries":2},
          {"type":"asset","accounts":2,"debits":0,"credits":2510,"net":2510,"entries":2},
          {"type":"expense","accounts":2,"debits":0,"credits":259.0165,"net":259.0165,"entries":2},
          {"type":"equity","accounts":2,"debits":3269,"credits":0,"net":-3269,"entries":3}],
         "review":{"waiting":0,"oldest_at":null,"oldest_age_seconds":null}}
        """);

    [Fact]
    public async Task Headroom() => (await books.GetAsync("/ledger/headroom")).Expect(200).ShouldRead("""
        {"asset_cents":2510,"liability_cents":499.9835,"available_cents":2010.0165,
         "providers":[{"provider":"anthropic","balance_cents":2500},{"provider":"openai","balance_cents":10}]}
        """);

    [Fact]
    public async Task Entries_and_history_of_a_user_are_newest_first()
    {
        (await books.GetAsync("/users/u/entries")).Expect(200).ShouldRead("""
            {"entries":[
              {"id":8,"transaction_id":"<uuid>","account":"user:u","debit_cents":0.0165,"credit_cents":0,
               "description":"Call","reference_type":"llm_call","reference_id":"r","created_at":"<time>",
               "posted_by":{"api_key_id":null,"name":"bootstrap"}},
              {"id":7,"transaction_id":"<uuid>","account":"user:u","debit_cents":0,"credit_cents":500,
               "description":null,"reference_type":"admin_credit","reference_id":"bootstrap","created_at":"<time>",
               "posted_by":{"api_key_id":null,"name":"bootstrap"}}],
             "next_before":null}
            """);
        (await books.GetAsync("/users/u/transactions")).Expect(200).ShouldRead("""
            {"transactions":[
              {"id":2,"user_id":"u","amount_cents":-0.0165,"balance_after":499.9835,"transaction_type":"llm_call",
               "description":"Call","created_at":"<time>"},
              {"id":1,"user_id":"u","amount_cents":500,"balance_after":500,"transaction_type":"admin_credit",
               "description":null,"created_at":"<time>"}],
             "next_before":null}
            """);
    }

    [Fact]
    public async Task Empty_books_balance()
    {
        var empty = new LedgerService();
        await empty.InitializeAsync();
        try
        {
            (await empty.GetAsync("/ledger/integrity")).Expect(200).ShouldRead("""
                {"is_balanced":true,"total_debits":0,"total_credits":0,"imbalance":0,"entry_count":0,
                 "transaction_count":0,"faults":[],"fully_checked_at":"<time>"}
                """);
            (await empty.GetAsync("/ledger/headroom"))
                .Expect(200).ShouldRead("""{"asset_cents":0,"liability_cents":0,"available_cents":0,"providers":[]}""");
            (await empty.GetAsync("/ledger/balances")).Expect(200).ShouldRead("""{"accounts":[],"next_after":null}""");
        }
        finally
        {
            await empty.DisposeAsync();
        }
    }
}
