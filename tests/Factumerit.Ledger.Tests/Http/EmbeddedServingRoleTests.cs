using Factumerit.Ledger.Api;
using Factumerit.Ledger.Api.Hosting;
using Factumerit.Ledger.EmbeddedPostgres;
using Factumerit.Ledger.Storage;
using Factumerit.Ledger.Tests.Database;
using Factumerit.Ledger.Tests.Storage;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Factumerit.Ledger.Tests.Http;

/// <summary>
/// On the embedded database a role serves that owns nothing. PostgreSQL refuses what a vulnerability in the service
/// could send as that role.
/// </summary>
public sealed class EmbeddedServingRoleTests : EmbeddedPostgresTest
{
    [Fact]
    public async Task A_directory_of_before_upgrades_itself_and_the_service_can_break_no_rule()
    {
        // As earlier versions left it: the owner alone, who also served.
        var before = await StartAsync();
        await using (var owner = new LedgerDatabase(before.ConnectionString))
            await Migrator.MigrateAsync(owner, CancellationToken.None);
        await QueryAsync(before.ConnectionString, $"DROP ROLE {PrivatePostgres.ServingRole}");
        await before.DisposeAsync();

        await using var app = Service.Build(
            ["--urls=http://127.0.0.1:0", $"--Embedded:DataDirectory={DataDirectory}",
                "--Serilog:MinimumLevel:Default=Fatal"]);
        await Verbs.PrepareAsync(app, migrate: true, CancellationToken.None);
        var service = app.Services.GetRequiredService<BudgetService>();
        (await service.GrantAsync(new() { UserId = "alice", AmountCents = 5 }, "root", "g", default))
            .Answer.ShouldNotBeNull();
        (await service.RecordUsageAsync(new() { UserId = "alice", AmountCents = 1, RequestId = "r" }, default))
            .Answer.ShouldNotBeNull();

        var database = app.Services.GetRequiredService<LedgerDatabase>();
        (await ScalarAsync(database, "SELECT current_user")).ShouldBe(PrivatePostgres.ServingRole);
        foreach (var attack in Attacks)
            (await Should.ThrowAsync<PostgresException>(() => ScalarAsync(database, attack), attack)).SqlState
                .ShouldBe(PostgresErrorCodes.InsufficientPrivilege, attack);
        (await new Integrity.IntegrityCheck(database).RunAsync(full: true, default)).Faults.ShouldBeEmpty();
    }

    private static readonly string[] Attacks =
    [
        "ALTER TABLE ledger_entries DISABLE TRIGGER USER",
        "ALTER TABLE ledger_entries DISABLE TRIGGER tr_ledger_entries_immutable",
        "DROP TRIGGER tr_ledger_entries_immutable ON ledger_entries",
        "CREATE OR REPLACE FUNCTION ledger_entries_refuse_change() RETURNS trigger LANGUAGE sql AS ''",
        "SET session_replication_role = replica",
        "UPDATE ledger_entries SET credit_cents = credit_cents + 1 WHERE credit_cents > 0",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
        "DELETE FROM idempotency_keys",
        "UPDATE budget_transactions SET amount_cents = 0",
        "DELETE FROM llm_usage",
        "UPDATE llm_usage SET posted_by = 1",
        "UPDATE api_keys SET role = 'admin'",
        "UPDATE user_budgets SET opening_cents = 1",
        "UPDATE audit_log SET actor_id = 1",
        "DELETE FROM user_budgets",
        "DELETE FROM ledger_faults",
        "UPDATE model_prices SET input_usd_per_token = 0",
        "DROP TABLE ledger_entries",
        "CREATE TABLE public.another (id integer)",
        "CREATE TEMPORARY TABLE ledger_entries (id integer)",
        "ALTER ROLE factumerit_app SUPERUSER",
        "SET ROLE factumerit",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ];

    private static async Task<string?> ScalarAsync(LedgerDatabase database, string sql)
    {
        await using var command = database.Readers.CreateCommand(sql);
        return (await command.ExecuteScalarAsync())?.ToString();
    }
}
